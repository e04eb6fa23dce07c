//! What PyKMIP's server can do, row by row, and the tests here that would fail if ours could not.
//!
//! A row names tests of Rust or functions of the Python journeys. One without a test is in
//! [`PENDING`], and leaves it in the change that brings the test.

/// One thing that PyKMIP's server does.
pub(crate) struct Row {
    /// Identifier: the section's letter and a number.
    pub(crate) id: &'static str,
    /// What is done, in a few words.
    pub(crate) what: &'static str,
    /// The tests.
    pub(crate) tests: &'static [&'static str],
}

/// Rows that belong together.
pub(crate) struct Section {
    /// Heading.
    pub(crate) title: &'static str,
    /// The rows in their order.
    pub(crate) rows: &'static [Row],
}

/// Rows whose tests are not there yet, and what they wait for.
pub(crate) const PENDING: &[(&str, &[&str])] = &[
    (
        "its configuration and command line",
        &[
            "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S12", "S13",
            "S14", "S16", "S17",
        ],
    ),
    ("another provider of cryptography", &["S21", "S22"]),
    ("refused by PyKMIP and taken here: a key without a usage mask", &["C10", "K5"]),
    ("refused by PyKMIP and done here: opaque objects have a state", &["T2", "T7"]),
    ("short RSA keys", &["K1"]),
    ("derivation", &["D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D9", "D10", "P7"]),
    ("wrapping", &["G2", "G6", "G7", "G8", "G9", "G10", "G11"]),
    (
        "encryption",
        &[
            "E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9", "E10", "E11", "E12", "E13",
            "E14", "E15", "E16",
        ],
    ),
    (
        "signatures",
        &[
            "N1", "N2", "N3", "N4", "N5", "N6", "N7", "N8", "N9", "N10", "N11", "N12", "N13",
            "N14", "N15",
        ],
    ),
    (
        "message authentication",
        &[
            "M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8", "M9", "M10", "M11", "M12", "M13",
            "M14", "M15", "M16", "M17",
        ],
    ),
    ("policies and groups from outside", &["P1", "P2"]),
];

macro_rules! sections {
    ($( $title:literal { $( $id:ident $what:literal [$($test:ident)*]; )* } )*) => {
        &[$( Section {
            title: $title,
            rows: &[$( Row {
                id: stringify!($id),
                what: $what,
                tests: &[$(stringify!($test)),*],
            }, )*],
        }, )*]
    };
}

/// Every row.
pub(crate) const SECTIONS: &[Section] = sections! {
    "Server and configuration" {
        S1 "a configuration file with a section [server], at a default place, too" [];
        S2 "the same settings in code and as options, which win over the file" [];
        S3 "hostname: a name or an IPv4 address" [];
        S4 "port" [];
        S5 "certificate_path: the server's certificate, PEM" [];
        S6 "key_path: its private key, PEM" [];
        S7 "ca_path: the clients' authority; the certificate itself where it is self-signed" [];
        S8 "auth_suite: Basic or TLS1.2" [];
        S9 "policy_path: a directory of policy files, or one file" [];
        S10 "enable_tls_client_auth: whether a certificate must be one for clients" [];
        S11 "tls_cipher_suites, and which suites both sides have in the log" [];
        S12 "logging_level: five levels" [];
        S13 "log_path: a file that is rotated" [];
        S14 "one command starts it and explains itself" [];
        S15 "database_path: objects outlive a restart" [a_restart_changes_nothing every_acknowledged_key_survives_kill_9_once];
        S16 "an example configuration comes with it and starts" [];
        S17 "runs anywhere and not as root, and names a file that it cannot read" [];
        S18 "a store of a later version is refused, of an earlier one migrated" [a_later_schema_is_refused_and_left_alone version_1_is_written_and_read_as_it_always_was];
        S19 "a store that is gone is told, not replaced in silence" [a_lost_store_is_not_replaced_by_an_empty_one an_empty_store_is_made_when_that_is_said];
        S20 "another storage can be added" [memory_keeps_every_promise memory_records_keep_every_promise keeps_every_promise];
        S21 "another provider of cryptography can be added" [];
        S22 "what the provider lacks is refused in words and is not in Query" [];
    }
    "Objects: Register, Get, attributes and life cycle of each" {
        O1 "symmetric key" [every_type_of_object_is_kept what_was_registered_comes_back_unchanged pykmip_can_use_the_server];
        O2 "public key in each of its formats, also where the label is wrong" [every_type_of_object_is_kept what_was_registered_comes_back_unchanged public_forms_convert_into_each_other keys_are_kept_as_given_under_a_wrong_label];
        O3 "private key, likewise" [every_type_of_object_is_kept what_was_registered_comes_back_unchanged private_forms_convert_into_each_other keys_are_kept_as_given_under_a_wrong_label];
        O4 "certificate, X.509" [every_type_of_object_is_kept a_certificate_becomes_attributes pykmip_can_use_the_server];
        O5 "secret data: a password and the other kinds" [every_type_of_object_is_kept a_password_is_a_secret_in_either_format every_kind_of_secret_is_kept];
        O6 "opaque object" [every_type_of_object_is_kept what_was_registered_comes_back_unchanged pykmip_can_use_the_server];
    }
    "Create" {
        C1 "3DES keys of 64, 128 and 192 bits" [keys_of_every_length_are_created];
        C2 "AES keys of 128, 192 and 256 bits" [keys_of_every_length_are_created];
        C3 "Blowfish keys of 128, 256, 384 bits and others" [keys_of_every_length_are_created];
        C4 "Camellia keys of 128, 192 and 256 bits" [keys_of_every_length_are_created];
        C5 "CAST5 keys of 64, 96, 128 bits and others" [keys_of_every_length_are_created];
        C6 "IDEA keys of 128 bits" [keys_of_every_length_are_created];
        C7 "RC4 keys of 128, 192, 256 bits and others" [keys_of_every_length_are_created];
        C8 "every user may, as often as it likes" [every_user_may_make_as_many_objects_as_it_likes];
        C9 "what is set: ten attributes" [a_created_key_has_the_ten_attributes the_server_sets_what_is_its_own];
        C10 "refused without algorithm, length or mask" [];
        C11 "refused for an algorithm that makes no symmetric keys" [keys_that_do_not_exist_are_refused];
        C12 "refused for a length that the algorithm has not" [keys_that_do_not_exist_are_refused lengths_that_an_algorithm_has_not_are_refused];
    }
    "Create Key Pair" {
        K1 "RSA keys of 1024 bits" [];
        K2 "RSA keys of 2048 bits" [a_pair_is_created_fetched_and_destroyed_without_being_active rsa_halves_belong_together_and_use_65537];
        K3 "what both keys have alike: algorithm, length, initial date, policy, state" [the_halves_of_a_pair_are_alike_in_five_things_and_differ_in_others];
        K4 "what each has of its own: mask, format, name, type, identifier" [the_halves_of_a_pair_are_alike_in_five_things_and_differ_in_others common_attributes_are_under_those_of_each_key];
        K5 "refused without algorithm, length or mask of either" [];
        K6 "refused for an algorithm that is not offered" [key_pairs_that_are_not_offered_are_refused];
        K7 "refused for a length that is not offered" [key_pairs_that_are_not_offered_are_refused];
        K8 "every user may, as often as it likes" [every_user_may_make_as_many_objects_as_it_likes];
    }
    "Register" {
        R1 "every type of object" [every_type_of_object_is_kept pykmip_can_use_the_server];
        R2 "what is set: as with Create, where it applies" [a_registered_object_has_the_attributes_that_apply algorithm_and_length_are_found_where_they_are];
        R3 "every user may, as often as it likes" [every_user_may_make_as_many_objects_as_it_likes];
    }
    "Derive Key" {
        D1 "a symmetric key from a stored object" [];
        D2 "secret data from a stored object" [];
        D3 "a longer result is cut" [];
        D4 "what is set: as with Create" [];
        D5 "refused for an object that is not accessible" [];
        D6 "refused for a type of object that cannot be derived from" [];
        D7 "refused without the bit Derive Key" [];
        D8 "refused without a length" [];
        D9 "refused for a length beyond the result" [];
        D10 "refused without a derivation method" [];
    }
    "Locate, Get, Get Attributes, Get Attribute List" {
        L1 "Locate by name, among what the user may see" [locate_finds_one_s_own a_principal_key_is_found_by_its_name_and_got_before_it_is_active pykmip_can_use_the_server];
        L2 "Locate without a filter: everything the user may see" [locate_finds_one_s_own a_locate_without_attributes_looks_for_everything pykmip_can_use_the_server];
        G1 "Get by identifier" [a_key_lives_and_dies what_was_registered_comes_back_unchanged];
        G2 "Get wrapped by encryption" [];
        G3 "refused for an object that is not accessible" [what_is_destroyed_or_somebody_elses_is_not_given nobody_but_its_owner_learns_that_a_secret_object_exists];
        G4 "refused for a format that the object cannot have" [junk_has_no_other_form what_is_no_key_has_one_form];
        G5 "compression is refused with a reason of its own" [keys_are_not_compressed];
        G6 "refused for a wrapping key that is not accessible" [];
        G7 "refused for a wrapping key that is none" [];
        G8 "refused without the bit Wrap Key" [];
        G9 "wrapped attributes: done, or refused with a reason of its own" [];
        G10 "encodings: done, or refused with a reason of its own" [];
        G11 "refused for a wrapping specification with something missing" [];
        A1 "Get Attributes of several names" [a_created_key_has_the_ten_attributes what_is_known_is_returned_with_the_type_of_the_standard];
        A2 "Get Attribute List: the names that Get Attributes knows" [every_listed_attribute_is_given_when_it_is_asked_for the_list_of_attributes_is_the_same_every_time];
    }
    "Activate, Revoke, Destroy" {
        T1 "Activate: Pre-Active becomes Active and may be used" [a_key_lives_and_dies only_active_keys_are_used];
        T2 "refused for what has no state" [];
        T3 "refused unless Pre-Active" [a_key_lives_and_dies every_state_by_every_transition];
        T4 "Revoke for a compromise of the key or its authority, from three states" [a_compromise_is_noted_in_every_state a_compromised_authority_compromises_the_key];
        T5 "the same once it is destroyed" [a_compromise_is_noted_in_every_state];
        T6 "Revoke for another reason: Active becomes Deactivated" [a_key_lives_and_dies];
        T7 "refused for what has no state" [];
        T8 "refused for another reason unless Active" [a_key_lives_and_dies every_state_by_every_transition];
        T9 "Destroy from Pre-Active, Deactivated and Compromised" [every_state_by_every_transition a_compromise_is_noted_in_every_state];
        T10 "afterwards it is neither given nor used" [a_key_lives_and_dies a_destroyed_object_holds_nothing];
        T11 "refused for what does not exist" [what_never_was_cannot_be_destroyed];
        T12 "refused while Active" [a_key_lives_and_dies every_state_by_every_transition];
    }
    "Query, Discover Versions" {
        Q1 "operations" [query_lists_what_the_version_has interop_is_an_operation_only_when_it_is_switched_on];
        Q2 "who the server is" [the_server_says_who_it_is];
        Q3 "types of objects" [query_lists_what_the_version_has only_what_is_asked_for_is_told];
        Q4 "the other functions, as far as there is something to say" [what_the_server_does_not_do_is_said_too the_defaults_are_those_that_create_uses];
        V1 "the versions that are spoken" [versions_are_listed_newest_first discover_versions_without_a_list_names_all];
        V2 "those of them that the client has" [discover_versions_answers_with_those_that_both_have];
    }
    "Encrypt and Decrypt, each for both" {
        E1 "3DES" [];
        E2 "AES" [];
        E3 "Blowfish" [];
        E4 "Camellia" [];
        E5 "CAST5" [];
        E6 "IDEA" [];
        E7 "RC4" [];
        E8 "RSA" [];
        E9 "refused for a key that is not accessible" [];
        E10 "refused unless Active" [];
        E11 "refused without the bit Encrypt or Decrypt" [];
        E12 "refused for an algorithm that is not there" [];
        E13 "refused for a key of another algorithm" [];
        E14 "refused without a mode" [];
        E15 "refused for a mode that is not there" [];
        E16 "Decrypt gives back what Encrypt was given" [];
    }
    "Sign and Signature Verify, each for both" {
        N1 "RSA with MD5" [];
        N2 "RSA with SHA-1" [];
        N3 "RSA with SHA-224" [];
        N4 "RSA with SHA-256" [];
        N5 "RSA with SHA-384" [];
        N6 "RSA with SHA-512" [];
        N7 "refused for a key that is not accessible" [];
        N8 "refused for what is no private or public key" [];
        N9 "refused unless Active" [];
        N10 "refused without the bit Sign or Verify" [];
        N11 "refused for an algorithm that is not there" [];
        N12 "refused for a key of another algorithm" [];
        N13 "refused without padding" [];
        N14 "a good signature is Valid" [];
        N15 "a changed one is Invalid, which is no error" [];
    }
    "MAC" {
        M1 "HMAC with MD5" [];
        M2 "HMAC with SHA-1" [];
        M3 "HMAC with SHA-224" [];
        M4 "HMAC with SHA-256" [];
        M5 "HMAC with SHA-384" [];
        M6 "HMAC with SHA-512" [];
        M7 "CMAC with 3DES" [];
        M8 "CMAC with AES" [];
        M9 "CMAC with Blowfish" [];
        M10 "CMAC with Camellia" [];
        M11 "CMAC with CAST5" [];
        M12 "CMAC with IDEA" [];
        M13 "CMAC with RC4 is refused in words" [];
        M14 "refused for a key that is not accessible" [];
        M15 "refused unless Active" [];
        M16 "refused without the bit MAC Generate" [];
        M17 "refused for an algorithm that is not there" [];
    }
    "In its code and not in its manual" {
        P1 "operation policies with presets and groups, read again when they change" [];
        P2 "groups from SLUGS" [];
        P3 "Set, Modify and Delete Attribute" [a_single_valued_attribute_is_added_once_and_then_modified_or_set attributes_are_deleted_by_index_by_value_or_all attributes_1 attributes_2];
        P4 "split keys are kept" [every_type_of_object_is_kept pykmip_can_use_the_server];
        P5 "batches that stop or continue" [a_batch_stops_at_the_first_failure_unless_told_otherwise a_batch_continues_if_that_is_asked_for];
        P6 "KMIP 1.0 to 1.4 and 2.0" [one_connection_may_speak_every_version every_version_is_answered_in_itself pykmip_can_use_the_server];
        P7 "five methods of derivation" [];
    }
};
