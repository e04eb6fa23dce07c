//! What PyKMIP's server can do, row by row, and the tests here that would fail if ours could not.
//!
//! A row names tests of Rust or functions of the Python journeys. Those in [`DIFFERENT`] do not hold
//! here, on purpose; their tests show what is done instead.

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

/// Rows that are different here on purpose, and why. `docs/from-pykmip.md` names each of them.
pub(crate) const DIFFERENT: &[(&str, &[&str])] = &[
    (
        "a usage mask may be left out, and then the key is there and nothing is done with it; \
         Barbican orders key pairs like this, and there is one rule for all keys",
        &["C10", "K5"],
    ),
    ("opaque objects have a state; the specification gives one to every object", &["T2", "T7"]),
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
        S1 "a configuration file with a section [server], at a default place, too" [the_file_is_served_from_and_its_mistakes_are_told the_option_without_a_value_is_the_systems_file entries_are_read_as_configparser_reads_them];
        S2 "the same settings in code and as options, which win over the file" [settings_in_code_stand_above_the_file options_stand_above_the_file a_server_starts_from_settings_in_code];
        S3 "hostname: a name or an IPv4 address" [an_address_may_be_a_name no_host_name_is_every_address];
        S4 "port" [the_highest_port_is_a_port what_is_wrong_is_told_in_pykmips_words];
        S5 "certificate_path: the server's certificate, PEM" [files_that_cannot_be_used_are_named the_sample_starts_and_answers_a_query];
        S6 "key_path: its private key, PEM" [files_that_cannot_be_used_are_named a_whole_configuration_is_accepted];
        S7 "ca_path: the clients' authority; the certificate itself where it is self-signed" [one_self_signed_certificate_does_for_all a_self_signed_certificate_serves_both_sides];
        S8 "auth_suite: Basic or TLS1.2" [an_auth_suite_warns_of_what_is_not_offered basic_answers_requests_over_every_version_of_tls tls12_answers_requests_from_tls_1_2_on];
        S9 "policy_path: a directory of policy files, or one file" [a_policy_file_opens_a_key_and_its_change_closes_it a_single_policy_file_will_do pykmip_may_do_what_policies_and_slugs_say];
        S10 "enable_tls_client_auth: whether a certificate must be one for clients" [every_setting_has_its_counterpart];
        S11 "tls_cipher_suites, and which suites both sides have in the log" [what_is_not_here_is_told_apart_from_what_does_not_exist every_suite_of_the_library_has_both_names suites_that_are_not_there_can_be_made_to_stop_the_start];
        S12 "logging_level: five levels" [optional_settings_are_read];
        S13 "log_path: a file that is rotated" [a_full_file_is_put_aside_and_the_oldest_goes];
        S14 "one command starts it and explains itself" [an_explanation_names_every_option the_options_of_pykmip_are_enough_and_the_log_has_no_key];
        S15 "database_path: objects outlive a restart" [a_restart_changes_nothing every_acknowledged_key_survives_kill_9_once];
        S16 "an example configuration comes with it and starts" [the_sample_starts_and_answers_a_query];
        S17 "runs anywhere and not as root, and names a file that it cannot read" [files_that_cannot_be_used_are_named a_log_that_cannot_be_written_is_named];
        S18 "a store of a later version is refused, of an earlier one migrated" [a_later_schema_is_refused_and_left_alone a_database_of_the_first_schema_is_brought_up_to_date version_1_is_written_and_read_as_it_always_was];
        S19 "a store that is gone is told, not replaced in silence" [a_lost_store_is_not_replaced_by_an_empty_one an_empty_store_is_made_when_that_is_said];
        S20 "another storage can be added" [memory_keeps_every_promise memory_records_keep_every_promise keeps_every_promise a_database_keeps_every_promise];
        S21 "another provider of cryptography can be added" [what_either_offers_is_offered_and_done the_first_answers_for_both_where_it_offers];
        S22 "what the provider lacks is refused in words and is not in Query" [old_algorithms_are_offered_only_on_request what_neither_offers_is_refused_by_the_second];
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
        C10 "refused without algorithm, length or mask" [a_key_without_a_mask_is_created_and_nothing_is_done_with_it what_is_missing_has_a_default_in_two_and_is_missed_in_one];
        C11 "refused for an algorithm that makes no symmetric keys" [keys_that_do_not_exist_are_refused];
        C12 "refused for a length that the algorithm has not" [keys_that_do_not_exist_are_refused lengths_that_an_algorithm_has_not_are_refused];
    }
    "Create Key Pair" {
        K1 "RSA keys of 1024 bits" [short_pairs made_keys_are_pairs_of_the_size];
        K2 "RSA keys of 2048 bits" [a_pair_is_created_fetched_and_destroyed_without_being_active rsa_halves_belong_together_and_use_65537];
        K3 "what both keys have alike: algorithm, length, initial date, policy, state" [the_halves_of_a_pair_are_alike_in_five_things_and_differ_in_others];
        K4 "what each has of its own: mask, format, name, type, identifier" [the_halves_of_a_pair_are_alike_in_five_things_and_differ_in_others common_attributes_are_under_those_of_each_key];
        K5 "refused without algorithm, length or mask of either" [a_pair_without_masks_is_created_and_nothing_is_done_with_it clients_of_one_say_what_they_want_but_need_no_masks a_key_pair_needs_no_usage_masks];
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
        D1 "a symmetric key from a stored object" [a_hash_of_a_key_is_a_key derivation];
        D2 "secret data from a stored object" [secret_data_is_derived_too derivation];
        D3 "a longer result is cut" [the_leftmost_bytes_are_taken_whatever_lengths_the_algorithm_has derivation];
        D4 "what is set: as with Create" [a_new_key_has_the_attributes_of_a_created_one];
        D5 "refused for an object that is not accessible" [nobody_derives_from_what_they_may_not_get derivation];
        D6 "refused for a type of object that cannot be derived from" [only_keys_and_secrets_with_the_bit_are_derived_from];
        D7 "refused without the bit Derive Key" [only_keys_and_secrets_with_the_bit_are_derived_from];
        D8 "refused without a length" [the_length_is_given_and_whole_and_no_longer_than_the_result];
        D9 "refused for a length beyond the result" [the_length_is_given_and_whole_and_no_longer_than_the_result];
        D10 "refused without a derivation method" [a_request_without_method_or_parameters_is_refused];
    }
    "Locate, Get, Get Attributes, Get Attribute List" {
        L1 "Locate by name, among what the user may see" [locate_finds_one_s_own a_principal_key_is_found_by_its_name_and_got_before_it_is_active pykmip_can_use_the_server];
        L2 "Locate without a filter: everything the user may see" [locate_finds_one_s_own a_locate_without_attributes_looks_for_everything pykmip_can_use_the_server];
        G1 "Get by identifier" [a_key_lives_and_dies what_was_registered_comes_back_unchanged];
        G2 "Get wrapped by encryption" [wrapping a_key_leaves_wrapped_and_comes_back_the_same a_key_is_fetched_wrapped_under_another];
        G3 "refused for an object that is not accessible" [what_is_destroyed_or_somebody_elses_is_not_given nobody_but_its_owner_learns_that_a_secret_object_exists];
        G4 "refused for a format that the object cannot have" [junk_has_no_other_form what_is_no_key_has_one_form];
        G5 "compression is refused with a reason of its own" [keys_are_not_compressed];
        G6 "refused for a wrapping key that is not accessible" [the_wrapping_key_must_be_there_for_the_caller];
        G7 "refused for a wrapping key that is none" [the_wrapping_key_must_be_a_symmetric_key_and_active_and_for_wrapping];
        G8 "refused without the bit Wrap Key" [the_wrapping_key_must_be_a_symmetric_key_and_active_and_for_wrapping];
        G9 "wrapped attributes: done, or refused with a reason of its own" [attributes_are_wrapped_with_the_key];
        G10 "encodings: done, or refused with a reason of its own" [a_key_that_is_not_one_byte_string_is_wrapped_encoded_only];
        G11 "refused for a wrapping specification with something missing" [a_specification_that_is_incomplete_or_of_another_method_is_refused];
        A1 "Get Attributes of several names" [a_created_key_has_the_ten_attributes what_is_known_is_returned_with_the_type_of_the_standard];
        A2 "Get Attribute List: the names that Get Attributes knows" [every_listed_attribute_is_given_when_it_is_asked_for the_list_of_attributes_is_the_same_every_time];
    }
    "Activate, Revoke, Destroy" {
        T1 "Activate: Pre-Active becomes Active and may be used" [a_key_lives_and_dies only_active_keys_are_used];
        T2 "refused for what has no state" [an_opaque_object_is_activated_as_others_are];
        T3 "refused unless Pre-Active" [a_key_lives_and_dies every_state_by_every_transition];
        T4 "Revoke for a compromise of the key or its authority, from three states" [a_compromise_is_noted_in_every_state a_compromised_authority_compromises_the_key];
        T5 "the same once it is destroyed" [a_compromise_is_noted_in_every_state];
        T6 "Revoke for another reason: Active becomes Deactivated" [a_key_lives_and_dies];
        T7 "refused for what has no state" [an_opaque_object_is_revoked_as_others_are];
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
        E1 "3DES" [encryption published_ciphertexts_come_out_and_open];
        E2 "AES" [encryption published_ciphertexts_come_out_and_open];
        E3 "Blowfish" [encryption the_published_blocks_come_out_both_ways];
        E4 "Camellia" [encryption the_published_blocks_come_out_both_ways];
        E5 "CAST5" [encryption the_published_blocks_come_out_both_ways];
        E6 "IDEA" [encryption the_published_blocks_come_out_both_ways];
        E7 "RC4" [encryption rc4_makes_the_streams_of_rfc_6229];
        E8 "RSA" [the_public_half_encrypts_and_the_private_half_decrypts rsa_comes_back_with_the_other_half];
        E9 "refused for a key that is not accessible" [a_key_that_is_not_accessible_is_not_there refused_encryption];
        E10 "refused unless Active" [a_key_that_is_not_active_is_not_used refused_encryption];
        E11 "refused without the bit Encrypt or Decrypt" [a_key_without_the_bit_is_not_used refused_encryption];
        E12 "refused for an algorithm that is not there" [an_algorithm_that_is_not_offered_is_refused refused_encryption];
        E13 "refused for a key of another algorithm" [a_key_of_another_algorithm_is_refused refused_encryption];
        E14 "refused without a mode" [a_block_cipher_needs_a_mode_and_rsa_a_padding refused_encryption];
        E15 "refused for a mode that is not there" [a_mode_that_is_not_offered_is_refused refused_encryption];
        E16 "Decrypt gives back what Encrypt was given" [decrypt_gives_back_what_was_encrypted encryption];
    }
    "Sign and Signature Verify, each for both" {
        N1 "RSA with MD5" [signatures small_keys_sign_as_others_do pkcs1_signatures_are_those_of_openssl_for_message_and_digest];
        N2 "RSA with SHA-1" [signatures small_keys_sign_as_others_do pkcs1_signatures_are_those_of_openssl_for_message_and_digest];
        N3 "RSA with SHA-224" [signatures small_keys_sign_as_others_do pkcs1_signatures_are_those_of_openssl_for_message_and_digest];
        N4 "RSA with SHA-256" [signatures rsa_signs_with_every_padding_and_hash];
        N5 "RSA with SHA-384" [signatures rsa_signs_with_every_padding_and_hash];
        N6 "RSA with SHA-512" [signatures rsa_signs_with_every_padding_and_hash];
        N7 "refused for a key that is not accessible" [a_key_that_is_not_accessible_is_not_there];
        N8 "refused for what is no private or public key" [each_use_has_its_types_of_object];
        N9 "refused unless Active" [a_key_that_is_not_active_is_not_used];
        N10 "refused without the bit Sign or Verify" [a_key_without_the_bit_is_not_used];
        N11 "refused for an algorithm that is not there" [an_algorithm_that_is_not_offered_is_refused what_cannot_be_verified_is_refused];
        N12 "refused for a key of another algorithm" [a_key_of_another_algorithm_is_refused a_signature_that_the_key_cannot_have_made_is_invalid];
        N13 "refused without padding" [hash_and_padding_are_required];
        N14 "a good signature is Valid" [a_right_signature_is_valid_and_a_wrong_one_is_an_answer signatures];
        N15 "a changed one is Invalid, which is no error" [a_right_signature_is_valid_and_a_wrong_one_is_an_answer signatures];
    }
    "MAC" {
        M1 "HMAC with MD5" [macs hmac_makes_the_published_macs];
        M2 "HMAC with SHA-1" [macs published_macs_come_out_and_verify];
        M3 "HMAC with SHA-224" [macs hmac_makes_the_published_macs];
        M4 "HMAC with SHA-256" [macs published_macs_come_out_and_verify];
        M5 "HMAC with SHA-384" [macs published_macs_come_out_and_verify];
        M6 "HMAC with SHA-512" [macs published_macs_come_out_and_verify];
        M7 "CMAC with 3DES" [macs published_macs_come_out_and_verify];
        M8 "CMAC with AES" [macs published_macs_come_out_and_verify];
        M9 "CMAC with Blowfish" [macs cmac_makes_the_published_macs];
        M10 "CMAC with Camellia" [macs cmac_makes_the_published_macs];
        M11 "CMAC with CAST5" [macs cmac_makes_the_published_macs];
        M12 "CMAC with IDEA" [macs cmac_makes_the_published_macs];
        M13 "CMAC with RC4 is refused in words" [cmac_over_a_stream_cipher_is_refused_with_the_reason macs];
        M14 "refused for a key that is not accessible" [a_key_that_is_not_accessible_is_not_there];
        M15 "refused unless Active" [a_key_that_is_not_active_is_not_used macs];
        M16 "refused without the bit MAC Generate" [a_key_without_the_bit_is_not_used];
        M17 "refused for an algorithm that is not there" [an_algorithm_that_is_not_offered_or_not_known_is_refused];
    }
    "In its code and not in its manual" {
        P1 "operation policies with presets and groups, read again when they change" [a_policy_file_opens_a_key_and_its_change_closes_it a_change_is_in_force_within_a_second both_forms_are_read groups_of_a_file_open_what_a_policy_gives_them pykmip_may_do_what_policies_and_slugs_say files_change groups_decide presets_decide];
        P2 "groups from SLUGS" [slugs_says_who_gets_in_and_in_which_groups everything_but_a_clear_yes_is_a_no slugs_that_does_not_answer_lets_nobody_in pykmip_may_do_what_policies_and_slugs_say directories_change];
        P3 "Set, Modify and Delete Attribute" [a_single_valued_attribute_is_added_once_and_then_modified_or_set attributes_are_deleted_by_index_by_value_or_all attributes_1 attributes_2];
        P4 "split keys are kept" [every_type_of_object_is_kept pykmip_can_use_the_server];
        P5 "batches that stop or continue" [a_batch_stops_at_the_first_failure_unless_told_otherwise a_batch_continues_if_that_is_asked_for];
        P6 "KMIP 1.0 to 1.4 and 2.0" [one_connection_may_speak_every_version every_version_is_answered_in_itself pykmip_can_use_the_server pykmip_may_do_what_policies_and_slugs_say];
        P7 "five methods of derivation" [derivation every_other_method_gets_what_it_needs];
    }
};
