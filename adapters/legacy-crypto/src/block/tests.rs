//! Block ciphers against published answers.

use super::*;

fn run(
    algorithm: CryptographicAlgorithm,
    key: &str,
    (mode, direction): (Mode, Direction),
    iv: &str,
    data: &str,
) -> String {
    let cipher = BlockCipher::find(algorithm).unwrap();
    let mut data = hex::decode(data).unwrap();
    let iv = hex::decode(iv).unwrap();
    let cipher = cipher.with_key(&hex::decode(key).unwrap()).unwrap();
    cipher.run(mode, direction, &iv, &mut data).unwrap();
    hex::encode(data)
}

/// Algorithm, key, plaintext, ciphertext of single blocks.
///
/// AES: FIPS 197 appendix C. DES: NBS Special Publication 500-20, the first is under a weak key.
/// 3DES: NIST SP 800-67 appendix B.1 (its key for three, and for two the answer of OpenSSL).
/// Blowfish: the vectors of Eric Young on Schneier's page, set_key among them. Camellia: RFC 3713
/// appendix A. CAST5: RFC 2144 appendix B.1. IDEA: Lai, "On the Design and Security of Block
/// Ciphers".
const BLOCKS: &[(CryptographicAlgorithm, &str, &str, &str)] = &[
    (
        CryptographicAlgorithm::Aes,
        "000102030405060708090a0b0c0d0e0f",
        "00112233445566778899aabbccddeeff",
        "69c4e0d86a7b0430d8cdb78070b4c55a",
    ),
    (
        CryptographicAlgorithm::Aes,
        "000102030405060708090a0b0c0d0e0f1011121314151617",
        "00112233445566778899aabbccddeeff",
        "dda97ca4864cdfe06eaf70a0ec0d7191",
    ),
    (
        CryptographicAlgorithm::Aes,
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "00112233445566778899aabbccddeeff",
        "8ea2b7ca516745bfeafc49904b496089",
    ),
    (CryptographicAlgorithm::Des, "0101010101010101", "8000000000000000", "95f8a5e5dd31d900"),
    (CryptographicAlgorithm::Des3, "0101010101010101", "8000000000000000", "95f8a5e5dd31d900"),
    (
        CryptographicAlgorithm::Des3,
        "01010101010101010101010101010101",
        "8000000000000000",
        "95f8a5e5dd31d900",
    ),
    (
        CryptographicAlgorithm::Des3,
        "0123456789abcdef23456789abcdef01456789abcdef0123",
        "5468652071756663",
        "a826fd8ce53b855f",
    ),
    (
        CryptographicAlgorithm::Des3,
        "0123456789abcdef23456789abcdef01",
        "5468652071756663",
        "c44862f70cf2fbdc",
    ),
    (CryptographicAlgorithm::Blowfish, "0000000000000000", "0000000000000000", "4ef997456198dd78"),
    (CryptographicAlgorithm::Blowfish, "ffffffffffffffff", "ffffffffffffffff", "51866fd5b85ecb8a"),
    (CryptographicAlgorithm::Blowfish, "0123456789abcdef", "1111111111111111", "61f9c3802281b096"),
    (CryptographicAlgorithm::Blowfish, "f0e1d2c3", "fedcba9876543210", "be1e639408640f05"),
    (
        CryptographicAlgorithm::Blowfish,
        "f0e1d2c3b4a5968778695a4b3c2d1e0f0011223344556677",
        "fedcba9876543210",
        "05044b62fa52d080",
    ),
    (
        CryptographicAlgorithm::Camellia,
        "0123456789abcdeffedcba9876543210",
        "0123456789abcdeffedcba9876543210",
        "67673138549669730857065648eabe43",
    ),
    (
        CryptographicAlgorithm::Camellia,
        "0123456789abcdeffedcba98765432100011223344556677",
        "0123456789abcdeffedcba9876543210",
        "b4993401b3e996f84ee5cee7d79b09b9",
    ),
    (
        CryptographicAlgorithm::Camellia,
        "0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff",
        "0123456789abcdeffedcba9876543210",
        "9acc237dff16d76c20ef7c919e3a7509",
    ),
    (
        CryptographicAlgorithm::Cast5,
        "0123456712345678234567893456789a",
        "0123456789abcdef",
        "238b4fe5847e44b2",
    ),
    (CryptographicAlgorithm::Cast5, "01234567123456782345", "0123456789abcdef", "eb6a711a2c02271b"),
    (CryptographicAlgorithm::Cast5, "0123456712", "0123456789abcdef", "7ac816d16e9b302e"),
    (
        CryptographicAlgorithm::Idea,
        "00010002000300040005000600070008",
        "0000000100020003",
        "11fbed2b01986de5",
    ),
];

#[test]
fn the_published_blocks_come_out_both_ways() {
    for (algorithm, key, plain, cipher) in BLOCKS {
        let one = |direction, data| run(*algorithm, key, (Mode::Ecb, direction), "", data);
        assert_eq!(one(Direction::Encrypt, plain), *cipher, "{algorithm} {key}");
        assert_eq!(one(Direction::Decrypt, cipher), *plain, "{algorithm} {key}");
    }
}

#[test]
fn aes_has_the_modes_of_sp_800_38a() {
    // NIST SP 800-38A appendix F, the first two blocks.
    let key = "2b7e151628aed2a6abf7158809cf4f3c";
    let iv = "000102030405060708090a0b0c0d0e0f";
    let counter = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
    let plain = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51";
    for (mode, iv, cipher) in [
        (Mode::Ecb, "", "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf"),
        (Mode::Cbc, iv, "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"),
        (Mode::Cfb, iv, "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b"),
        (Mode::Ofb, iv, "3b3fd92eb72dad20333449f8e83cfb4a7789508d16918f03f53c52dac54ed825"),
        (Mode::Ctr, counter, "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"),
    ] {
        let aes = CryptographicAlgorithm::Aes;
        assert_eq!(run(aes, key, (mode, Direction::Encrypt), iv, plain), cipher, "{mode:?}");
        assert_eq!(run(aes, key, (mode, Direction::Decrypt), iv, cipher), plain, "{mode:?}");
    }
}

#[test]
fn blowfish_has_the_modes_of_its_vectors() {
    // Eric Young's chaining vectors on Schneier's page; CBC is filled up with zeros.
    let key = "0123456789abcdeff0e1d2c3b4a59687";
    let iv = "fedcba9876543210";
    let plain = "37363534333231204e6f77206973207468652074696d6520666f722000";
    let filled = format!("{plain}000000");
    for (mode, plain, cipher) in [
        (
            Mode::Cbc,
            filled.as_str(),
            "6b77b4d63006dee605b156e27403979358deb9e7154616d959f1652bd5ff92cc",
        ),
        (Mode::Cfb, plain, "e73214a2822139caf26ecf6d2eb9e76e3da3de04d1517200519d57a6c3"),
        (Mode::Ofb, plain, "e73214a2822139ca62b343cc5b65587310dd908d0c241b2263c2cf80da"),
    ] {
        let blowfish = CryptographicAlgorithm::Blowfish;
        assert_eq!(run(blowfish, key, (mode, Direction::Encrypt), iv, plain), cipher, "{mode:?}");
        assert_eq!(run(blowfish, key, (mode, Direction::Decrypt), iv, cipher), plain, "{mode:?}");
    }
}

#[test]
fn counters_run_over_from_the_whole_block_to_zero() {
    for (algorithm, key, plain, _) in BLOCKS {
        let length = plain.len();
        let (last, zeros) = ("f".repeat(length), "0".repeat(length));
        let ecb = |data: &str| run(*algorithm, key, (Mode::Ecb, Direction::Encrypt), "", data);
        let two = zeros.repeat(2);
        let stream = run(*algorithm, key, (Mode::Ctr, Direction::Encrypt), &last, &two);
        assert_eq!(stream, [ecb(&last), ecb(&zeros)].concat(), "{algorithm}");
    }
}

#[test]
fn every_cipher_decrypts_what_it_encrypted_in_every_mode() {
    for (algorithm, key, plain, _) in BLOCKS {
        let iv = "a5".repeat(plain.len() / 2);
        for mode in [Mode::Ecb, Mode::Cbc, Mode::Cfb, Mode::Ofb, Mode::Ctr] {
            let data = if mode.needs_whole_blocks() {
                plain.repeat(3)
            } else {
                format!("{}aabbcc", plain.repeat(3))
            };
            let encrypted = run(*algorithm, key, (mode, Direction::Encrypt), &iv, &data);
            assert_ne!(encrypted, data);
            let back = run(*algorithm, key, (mode, Direction::Decrypt), &iv, &encrypted);
            assert_eq!(back, data, "{algorithm} {mode:?}");
        }
    }
}

#[test]
fn keys_of_other_lengths_are_refused() {
    for (algorithm, lengths) in [
        (CryptographicAlgorithm::Aes, &[0, 8, 15, 17, 33, 64][..]),
        (CryptographicAlgorithm::Des, &[0, 7, 16, 24]),
        (CryptographicAlgorithm::Des3, &[0, 7, 14, 21, 25, 32]),
        (CryptographicAlgorithm::Blowfish, &[0, 3, 57]),
        (CryptographicAlgorithm::Camellia, &[0, 8, 20, 40]),
        (CryptographicAlgorithm::Cast5, &[0, 4, 17]),
        (CryptographicAlgorithm::Idea, &[0, 8, 24]),
    ] {
        let cipher = BlockCipher::find(algorithm).unwrap();
        for length in lengths {
            let refused = cipher.with_key(&vec![1; *length]).err();
            assert_eq!(refused, Some(WRONG_LENGTH), "{algorithm} {length}");
        }
    }
}
