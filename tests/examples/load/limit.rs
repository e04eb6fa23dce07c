//! How many signatures the processors make in a second when they do nothing else: every one of them
//! signs with the library that the server has, and a key that is ready.

use std::{
    error::Error,
    io, thread,
    time::{Duration, Instant},
};

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use rustls::{SignatureScheme, crypto::aws_lc_rs::sign::any_supported_type, sign::Signer};
use rustls_pki_types::PrivateKeyDer;

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
    pub(crate) fn measure(self, time: Duration) -> Result<f64, Box<dyn Error>> {
        let processors = thread::available_parallelism()?.get();
        let signers: Vec<_> = (0..processors).map(|_| self.signer()).collect::<Result<_, _>>()?;
        let counts = thread::scope(|scope| {
            let threads: Vec<_> = signers
                .iter()
                .map(|signer| scope.spawn(move || count(signer.as_ref(), time)))
                .collect();
            threads.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        let mut sum = 0.0;
        for count in counts {
            sum += count.map_err(|_| "a thread has panicked")??;
        }
        Ok(sum)
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

/// Signs for some time, and returns how many a second that was.
fn count(signer: &dyn Signer, time: Duration) -> Result<f64, rustls::Error> {
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < time {
        signer.sign(&DATA)?;
        count = count.saturating_add(1);
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}
