//! How many signatures the processors make in a second when they do nothing else: every one of them
//! signs with the library that the server has, and a key that is ready.
//!
//! It is calculated from the time that the threads had on processors. By the clock, a thread for each
//! processor gets less of a computer that does something else than a server and a client with many
//! threads do, and would make a limit that they exceed.

use std::{
    error::Error,
    io, thread,
    time::{Duration, Instant},
};

use kmip_tests::load::{drive::as_number, process};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use rustls::{SignatureScheme, crypto::aws_lc_rs::sign::any_supported_type, sign::Signer};
use rustls_pki_types::PrivateKeyDer;

/// What came of it.
pub(crate) struct Measured {
    /// How many signatures a second all processors make that do nothing else.
    pub(crate) per_second: f64,
    /// How many were made in a second, beside whatever else the computer did.
    pub(crate) by_the_clock: f64,
    /// How many microseconds of a processor each takes.
    pub(crate) cpu_micros: f64,
}

/// What is signed: as long as what the workload signs.
const DATA: [u8; 64] = [0x5A; 64];

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// RSA of 2048 bits, PKCS#1 v1.5.
    Rsa,
    /// ECDSA on P-256.
    Ecdsa,
}

impl Limit {
    /// Finds one by its name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "limit-rsa" => Some(Self::Rsa),
            "limit-ecdsa" => Some(Self::Ecdsa),
            _ => None,
        }
    }

    /// Measures for some time.
    pub(crate) fn measure(self, time: Duration) -> Result<Measured, Box<dyn Error>> {
        let processors = thread::available_parallelism()?.get();
        let signers: Vec<_> = (0..processors).map(|_| self.signer()).collect::<Result<_, _>>()?;
        let (begun, before) = (Instant::now(), process::cpu(std::process::id())?);
        let counts = thread::scope(|scope| {
            let threads: Vec<_> = signers
                .iter()
                .map(|signer| scope.spawn(move || count(signer.as_ref(), time)))
                .collect();
            threads.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        let (elapsed, after) = (begun.elapsed(), process::cpu(std::process::id())?);
        let mut sum = 0_u64;
        for count in counts {
            sum = sum.saturating_add(count.map_err(|_| "a thread has panicked")??);
        }
        let cpu = after.saturating_sub(before).as_secs_f64();
        if sum == 0 || cpu <= 0.0 {
            return Err("the time is too short for a signature".into());
        }
        let each = cpu / as_number(sum);
        Ok(Measured {
            per_second: as_number(u64::try_from(processors)?) / each,
            by_the_clock: as_number(sum) / elapsed.as_secs_f64(),
            cpu_micros: each * 1e6,
        })
    }

    fn signer(self) -> Result<Box<dyn Signer>, Box<dyn Error>> {
        let (algorithm, scheme) = match self {
            Self::Rsa => (&PKCS_RSA_SHA256, SignatureScheme::RSA_PKCS1_SHA256),
            Self::Ecdsa => (&PKCS_ECDSA_P256_SHA256, SignatureScheme::ECDSA_NISTP256_SHA256),
        };
        let pair = KeyPair::generate_for(algorithm)?;
        let key = PrivateKeyDer::try_from(pair.serialize_der()).map_err(io::Error::other)?;
        let key = any_supported_type(&key)?;
        Ok(key.choose_scheme(&[scheme]).ok_or("the key has another scheme")?)
    }
}

/// Signs for some time, and returns how often.
fn count(signer: &dyn Signer, time: Duration) -> Result<u64, rustls::Error> {
    let (start, mut count) = (Instant::now(), 0_u64);
    while start.elapsed() < time {
        signer.sign(&DATA)?;
        count = count.saturating_add(1);
    }
    Ok(count)
}
