//! The numbers of an RSA private key: computes those that are missing from those that came.
//!
//! A transparent private key (KMIP 2.1 §3.2.3) need not hold all of them, PKCS#1 does. What can
//! be computed: the primes from both exponents (SP 800-56B appendix C.2), one prime from the
//! other, either exponent from the other and the primes, and the three numbers for computing with
//! remainders. What came along is checked against the rest, in constant time.

use crypto_bigint::{BoxedUint, ConcatenatingMul, ConcatenatingSquare, CtEq, Gcd, NonZero, Resize};
use kmip_ports::crypto::CryptoError;
use zeroize::Zeroizing;

use super::number::{Secret, bits, secret, without_leading_zeros};

/// Longer keys are refused where computing is needed: its time grows with the square.
const MAXIMUM_BITS: u32 = 16_384;

const CONTRADICTION: CryptoError = CryptoError::BadKey("its numbers contradict each other");
const NO_PRIMES: CryptoError = CryptoError::BadKey("its primes do not follow from its exponents");

/// What is known of a private key: magnitudes.
pub(super) struct Known {
    pub(super) modulus: Vec<u8>,
    pub(super) public_exponent: Option<Vec<u8>>,
    pub(super) private_exponent: Option<Secret>,
    pub(super) p: Option<Secret>,
    pub(super) q: Option<Secret>,
    pub(super) prime_exponent_p: Option<Secret>,
    pub(super) prime_exponent_q: Option<Secret>,
    pub(super) crt_coefficient: Option<Secret>,
}

/// All of a private key: magnitudes.
pub(super) struct Complete {
    pub(super) modulus: Vec<u8>,
    pub(super) public_exponent: Vec<u8>,
    pub(super) private_exponent: Secret,
    pub(super) p: Secret,
    pub(super) q: Secret,
    pub(super) prime_exponent_p: Secret,
    pub(super) prime_exponent_q: Secret,
    pub(super) crt_coefficient: Secret,
}

/// A number that is erased when it is dropped.
type Number = Zeroizing<BoxedUint>;

/// A number to divide by.
type Divisor = Zeroizing<NonZero<BoxedUint>>;

impl Known {
    /// Computes what is missing and checks what is there.
    pub(super) fn complete(&self) -> Result<Complete, CryptoError> {
        let modulus = Modulus::new(&self.modulus)?;
        let read = |number: &Option<Secret>| -> Result<Option<Number>, CryptoError> {
            number.as_ref().map(|digits| modulus.number(digits)).transpose()
        };
        let e = self.public_exponent.as_ref().map(|digits| modulus.number(digits)).transpose()?;
        let d = read(&self.private_exponent)?;

        let (p, q) = match (read(&self.p)?, read(&self.q)?) {
            (Some(p), Some(q)) => (p, q),
            (Some(p), None) => {
                let q = modulus.divide_by(&p)?;
                (p, q)
            }
            (None, Some(q)) => (modulus.divide_by(&q)?, q),
            (None, None) => match (&e, &d) {
                (Some(e), Some(d)) => modulus.factor(e, d)?,
                _ => return Err(CryptoError::BadKey("it lacks both primes and an exponent")),
            },
        };
        modulus.check_product(&p, &q)?;
        let (p, q) = (Prime::new(p)?, Prime::new(q)?);

        let exponent_p = read(&self.prime_exponent_p)?;
        let e = match (e, &d, &exponent_p) {
            (Some(e), _, _) => e,
            (None, Some(d), _) => p.invert_exponent(d)?,
            (None, None, Some(exponent_p)) => p.invert_exponent(exponent_p)?,
            (None, None, None) => return Err(CryptoError::BadKey("it lacks both exponents")),
        };
        let d = match d {
            Some(d) => d,
            None => p.private_exponent(&q, &e)?,
        };
        let exponent_q = read(&self.prime_exponent_q)?;
        Ok(Complete {
            modulus: self.modulus.clone(),
            public_exponent: without_leading_zeros(&e.to_be_bytes()).to_vec(),
            prime_exponent_p: digits(&p.reduce(&e, &d, exponent_p.as_ref())?),
            prime_exponent_q: digits(&q.reduce(&e, &d, exponent_q.as_ref())?),
            crt_coefficient: digits(&p.coefficient(&q, read(&self.crt_coefficient)?)?),
            private_exponent: digits(&d),
            p: digits(&p.prime),
            q: digits(&q.prime),
        })
    }
}

/// The modulus, and how many bits every other number gets.
struct Modulus {
    modulus: Divisor,
    precision: u32,
}

impl Modulus {
    fn new(modulus: &[u8]) -> Result<Self, CryptoError> {
        let length = bits(modulus)?.unsigned_abs();
        if length > MAXIMUM_BITS {
            return Err(CryptoError::Unsupported(format!(
                "computing with RSA keys of {length} bits"
            )));
        }
        // A few bits more, so that sums fit.
        let precision = length.saturating_add(64).next_multiple_of(64);
        let modulus = read(modulus, precision)?;
        Ok(Self { modulus: divisor(&modulus)?, precision })
    }

    fn number(&self, digits: &[u8]) -> Result<Number, CryptoError> {
        read(digits, self.precision)
    }

    fn divide_by(&self, prime: &Number) -> Result<Number, CryptoError> {
        let (quotient, remainder) = divide(&self.modulus, &divisor(prime)?);
        if bool::from(remainder.is_zero()) { Ok(quotient) } else { Err(CONTRADICTION) }
    }

    fn check_product(&self, p: &Number, q: &Number) -> Result<(), CryptoError> {
        let product = Zeroizing::new(p.concatenating_mul(&**q));
        let is_modulus: bool = product.ct_eq(&**self.modulus).into();
        if is_modulus { Ok(()) } else { Err(CONTRADICTION) }
    }

    /// Finds the primes from both exponents.
    ///
    /// `e·d − 1` is a multiple of `lcm(p−1, q−1)`, and becomes one of `φ = (p−1)·(q−1)` when it is
    /// multiplied by what it shares with `n − 1`. How often it holds `φ` is told by dividing by
    /// `n`, which is a little more than `φ`. Then `p + q = n + 1 − φ`, and `p` and `q` are the
    /// roots of a quadratic equation.
    fn factor(&self, e: &Number, d: &Number) -> Result<(Number, Number), CryptoError> {
        let modulus: &BoxedUint = &self.modulus;
        let one = BoxedUint::one_with_precision(self.precision);
        let less_one = Zeroizing::new(modulus.wrapping_sub(&one));
        let multiple = Zeroizing::new(e.concatenating_mul(&**d));
        let multiple = Zeroizing::new(multiple.wrapping_sub(&one));
        let less_one = divisor(&less_one)?;
        let shared = Zeroizing::new(multiple.rem(&less_one));
        let shared = Zeroizing::new(less_one.gcd(&shared).get());
        let multiple = Zeroizing::new(multiple.concatenating_mul(&*shared));

        let (times, _) = divide(&multiple, &self.modulus);
        let times = divisor(&Zeroizing::new(times.wrapping_add(&one)))?;
        let (phi, remainder) = divide(&multiple, &times);
        if !bool::from(remainder.is_zero()) {
            return Err(NO_PRIMES);
        }
        let phi = resize(&phi, self.precision)?;
        let sum = Zeroizing::new(modulus.wrapping_add(&one).wrapping_sub(&*phi));

        let square = Zeroizing::new(sum.concatenating_square());
        let four_times = modulus.concatenating_mul(BoxedUint::from(4_u8));
        let (difference, below) = square.underflowing_sub(&four_times);
        let difference = Zeroizing::new(difference);
        if below.into() {
            return Err(NO_PRIMES);
        }
        let root = difference.checked_sqrt().into_option().map(Zeroizing::new);
        let root = resize(&root.ok_or(NO_PRIMES)?, self.precision)?;
        let p = Zeroizing::new(Zeroizing::new(sum.wrapping_add(&*root)).shr(1));
        let q = Zeroizing::new(Zeroizing::new(sum.wrapping_sub(&*root)).shr(1));
        Ok((p, q))
    }
}

/// A prime factor of the modulus.
struct Prime {
    prime: Number,
    /// The prime less one: exponents are equal if they are equal modulo this.
    order: Divisor,
}

impl Prime {
    fn new(prime: Number) -> Result<Self, CryptoError> {
        let one = BoxedUint::one_with_precision(prime.bits_precision());
        let order = divisor(&Zeroizing::new(prime.wrapping_sub(&one)))?;
        Ok(Self { prime, order })
    }

    /// Computes the public exponent from a private one. It comes out modulo `p − 1`, and public
    /// exponents are below that in any key that is met; if not, the checks of `reduce` fail.
    fn invert_exponent(&self, exponent: &Number) -> Result<Number, CryptoError> {
        let (_, exponent) = divide(exponent, &self.order);
        invert(&exponent, &self.order)
    }

    /// Computes the private exponent: the inverse of `e` modulo `lcm(p−1, q−1)`.
    fn private_exponent(&self, other: &Self, e: &Number) -> Result<Number, CryptoError> {
        let shared = divisor(&Zeroizing::new(self.order.gcd(&other.order).get()))?;
        let (rest, _) = divide(&self.order, &shared);
        let common = divisor(&Zeroizing::new(rest.wrapping_mul(&**other.order)))?;
        let (_, e) = divide(e, &common);
        invert(&e, &common)
    }

    /// Computes `d` modulo `p − 1`, and checks that it undoes `e` and is `given`.
    fn reduce(
        &self,
        e: &Number,
        d: &Number,
        given: Option<&Number>,
    ) -> Result<Number, CryptoError> {
        let (_, exponent) = divide(d, &self.order);
        let product = Zeroizing::new(e.concatenating_mul(&*exponent));
        let (_, product) = divide(&product, &self.order);
        let undoes = bool::from(product.is_one());
        if undoes && given.is_none_or(|given| given.ct_eq(&*exponent).into()) {
            Ok(exponent)
        } else {
            Err(CONTRADICTION)
        }
    }

    /// Computes the inverse of `other` modulo this, or checks the one that was given.
    fn coefficient(&self, other: &Self, given: Option<Number>) -> Result<Number, CryptoError> {
        let prime = divisor(&self.prime)?;
        let (_, other) = divide(&other.prime, &prime);
        let Some(given) = given else {
            return invert(&other, &prime);
        };
        let (_, product) = divide(&Zeroizing::new(other.concatenating_mul(&*given)), &prime);
        if product.is_one().into() { Ok(given) } else { Err(CONTRADICTION) }
    }
}

fn read(digits: &[u8], precision: u32) -> Result<Number, CryptoError> {
    BoxedUint::from_be_slice(without_leading_zeros(digits), precision)
        .map(Zeroizing::new)
        .map_err(|_| CryptoError::BadKey("one of its numbers is longer than its modulus"))
}

fn digits(number: &Number) -> Secret {
    let bytes = Zeroizing::new(number.to_be_bytes());
    secret(without_leading_zeros(&bytes))
}

fn divisor(number: &Number) -> Result<Divisor, CryptoError> {
    number.to_nz().into_option().map(Zeroizing::new).ok_or(CONTRADICTION)
}

/// Returns quotient and remainder.
fn divide(number: &BoxedUint, divisor: &Divisor) -> (Number, Number) {
    let (quotient, remainder) = number.div_rem(divisor);
    (Zeroizing::new(quotient), Zeroizing::new(remainder))
}

fn invert(number: &Number, modulus: &Divisor) -> Result<Number, CryptoError> {
    number.invert_mod(modulus).into_option().map(Zeroizing::new).ok_or(CONTRADICTION)
}

fn resize(number: &Number, precision: u32) -> Result<Number, CryptoError> {
    (&**number).try_resize(precision).map(Zeroizing::new).ok_or(CONTRADICTION)
}
