//! Calls of AWS-LC: the one file of the workspace with `unsafe` code.
//!
//! What holds for every call: keys and contexts of the library are owned by one Rust value each and
//! freed when that is dropped; pointers to data come from slices that outlive the call, together with
//! their length; the length of what is written is asked of the library first; every return code is
//! looked at; and a failure says nothing but that it was one. The library erases what it frees.
//!
//! Nothing here may be sent to another thread: a key is read, used and freed by one computation.

#![expect(unsafe_code, reason = "the library has no safe interface to these operations")]

use std::{ffi::c_int, marker::PhantomData, ptr, ptr::NonNull};

use aws_lc_sys::{
    ERR_clear_error, EVP_Digest, EVP_MAX_MD_SIZE, EVP_MD, EVP_MD_size, EVP_PKEY, EVP_PKEY_CTX,
    EVP_PKEY_CTX_free, EVP_PKEY_CTX_new, EVP_PKEY_CTX_set_rsa_mgf1_md,
    EVP_PKEY_CTX_set_rsa_oaep_md, EVP_PKEY_CTX_set_rsa_padding, EVP_PKEY_CTX_set_rsa_pss_saltlen,
    EVP_PKEY_CTX_set_signature_md, EVP_PKEY_CTX_set0_rsa_oaep_label, EVP_PKEY_decrypt,
    EVP_PKEY_decrypt_init, EVP_PKEY_encrypt, EVP_PKEY_encrypt_init, EVP_PKEY_free, EVP_PKEY_new,
    EVP_PKEY_set1_RSA, EVP_PKEY_sign, EVP_PKEY_sign_init, EVP_PKEY_verify, EVP_PKEY_verify_init,
    EVP_md5, EVP_sha1, EVP_sha224, EVP_sha256, EVP_sha384, EVP_sha512, OPENSSL_free,
    OPENSSL_memdup, RSA, RSA_PKCS1_OAEP_PADDING, RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING,
    RSA_free, RSA_get0_e, RSA_private_key_from_bytes, RSA_public_key_from_bytes,
};
use zeroize::Zeroizing;

/// What the library says when it has done what was asked.
const DONE: c_int = 1;

/// The longest digest, in bytes.
const LONGEST_DIGEST: usize = EVP_MAX_MD_SIZE as usize;

/// A hash of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn function(self) -> *const EVP_MD {
        let function: unsafe extern "C" fn() -> *const EVP_MD = match self {
            Self::Md5 => EVP_md5,
            Self::Sha1 => EVP_sha1,
            Self::Sha224 => EVP_sha224,
            Self::Sha256 => EVP_sha256,
            Self::Sha384 => EVP_sha384,
            Self::Sha512 => EVP_sha512,
        };
        // SAFETY: each of these takes nothing, may be called from any thread, and returns a pointer to
        // a constant of the library, which lives as long as the program.
        unsafe { function() }
    }

    /// Returns how many bytes a digest has.
    pub(crate) fn length(self) -> usize {
        // SAFETY: the pointer is to a constant hash of the library, of which one field is read.
        unsafe { EVP_MD_size(self.function()) }
    }

    /// Hashes data.
    pub(crate) fn digest(self, data: &[u8]) -> Option<Vec<u8>> {
        let mut digest = vec![0; LONGEST_DIGEST];
        let mut length = 0;
        // SAFETY: `data` is readable for its length, and `digest` writable for as many bytes as any
        // hash of the library makes; `length` is a place for their number. No engine is named.
        let code = unsafe {
            EVP_Digest(
                data.as_ptr().cast(),
                data.len(),
                digest.as_mut_ptr(),
                &raw mut length,
                self.function(),
                ptr::null_mut(),
            )
        };
        outcome(code)?;
        shorten(&mut digest, usize::try_from(length).ok()?)?;
        Some(digest)
    }
}

/// How a digest is encoded before it becomes a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// PKCS#1 v1.5, with the name of the hash.
    Pkcs1(Hash),
    /// PKCS#1 v1.5 around the digest as it is.
    Unnamed,
    /// PSS with MGF1 of the same hash.
    Pss {
        /// The hash.
        hash: Hash,
        /// How many bytes of salt.
        salt: u16,
    },
}

/// How data is encrypted: OAEP with MGF1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Oaep {
    /// The hash of the label.
    pub(crate) hash: Hash,
    /// The hash of the mask.
    pub(crate) mask: Hash,
    /// The label; may be empty.
    pub(crate) label: Vec<u8>,
}

/// An RSA key of the library.
pub(crate) struct Key(NonNull<EVP_PKEY>);

impl Key {
    /// Reads a private key in PKCS#1. The library checks all of its numbers against each other. A key
    /// without its public exponent is refused: the library would compute with it unblinded.
    pub(crate) fn private(pkcs1: &[u8]) -> Option<Self> {
        // SAFETY: the bytes are readable for their length; what is returned is null or ours.
        let rsa = unsafe { RSA_private_key_from_bytes(pkcs1.as_ptr(), pkcs1.len()) };
        let rsa = Rsa::own(rsa)?;
        // SAFETY: the key is alive. What is returned is null or borrowed of it, and only looked at.
        let exponent = unsafe { RSA_get0_e(rsa.0.as_ptr()) };
        if exponent.is_null() { None } else { Self::from_rsa(&rsa) }
    }

    /// Reads a public key in PKCS#1.
    pub(crate) fn public(pkcs1: &[u8]) -> Option<Self> {
        // SAFETY: the bytes are readable for their length; what is returned is null or ours.
        let rsa = unsafe { RSA_public_key_from_bytes(pkcs1.as_ptr(), pkcs1.len()) };
        Self::from_rsa(&Rsa::own(rsa)?)
    }

    fn from_rsa(rsa: &Rsa) -> Option<Self> {
        // SAFETY: takes nothing; what is returned is null or ours.
        let key = Self(own(unsafe { EVP_PKEY_new() })?);
        // SAFETY: both are alive and of this thread only. The key takes a share of the number's count
        // of owners, so that `rsa` may be freed before it or after it.
        outcome(unsafe { EVP_PKEY_set1_RSA(key.0.as_ptr(), rsa.0.as_ptr()) })?;
        Some(key)
    }

    /// Signs a digest.
    pub(crate) fn sign(&self, encoding: Encoding, digest: &[u8]) -> Option<Vec<u8>> {
        let context = self.for_signature(EVP_PKEY_sign_init, encoding)?;
        let signature = context.output(EVP_PKEY_sign, digest)?;
        Some(signature.to_vec())
    }

    /// Says whether this is the signature of a digest.
    pub(crate) fn verify(
        &self,
        encoding: Encoding,
        digest: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        let context = self.for_signature(EVP_PKEY_verify_init, encoding)?;
        // SAFETY: the context is alive and was prepared to verify; both slices are readable for their
        // lengths.
        let code = unsafe {
            EVP_PKEY_verify(
                context.pointer.as_ptr(),
                signature.as_ptr(),
                signature.len(),
                digest.as_ptr(),
                digest.len(),
            )
        };
        Some(outcome(code).is_some())
    }

    /// Encrypts.
    pub(crate) fn encrypt(&self, oaep: &Oaep, data: &[u8]) -> Option<Vec<u8>> {
        let context = self.for_cipher(EVP_PKEY_encrypt_init, oaep)?;
        let encrypted = context.output(EVP_PKEY_encrypt, data)?;
        Some(encrypted.to_vec())
    }

    /// Decrypts. Whatever is wrong with the data, the answer is the same.
    pub(crate) fn decrypt(&self, oaep: &Oaep, data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.for_cipher(EVP_PKEY_decrypt_init, oaep)?.output(EVP_PKEY_decrypt, data)
    }

    fn for_signature(&self, prepare: Prepare, encoding: Encoding) -> Option<Context<'_>> {
        let context = self.context(prepare)?;
        match encoding {
            Encoding::Unnamed => context.set_padding(RSA_PKCS1_PADDING)?,
            Encoding::Pkcs1(hash) => {
                context.set_padding(RSA_PKCS1_PADDING)?;
                context.set_hash(EVP_PKEY_CTX_set_signature_md, hash)?;
            }
            Encoding::Pss { hash, salt } => {
                context.set_padding(RSA_PKCS1_PSS_PADDING)?;
                context.set_hash(EVP_PKEY_CTX_set_signature_md, hash)?;
                context.set_hash(EVP_PKEY_CTX_set_rsa_mgf1_md, hash)?;
                context.set_salt(salt)?;
            }
        }
        Some(context)
    }

    fn for_cipher(&self, prepare: Prepare, oaep: &Oaep) -> Option<Context<'_>> {
        let context = self.context(prepare)?;
        context.set_padding(RSA_PKCS1_OAEP_PADDING)?;
        context.set_hash(EVP_PKEY_CTX_set_rsa_oaep_md, oaep.hash)?;
        context.set_hash(EVP_PKEY_CTX_set_rsa_mgf1_md, oaep.mask)?;
        context.set_label(&oaep.label)?;
        Some(context)
    }

    fn context(&self, prepare: Prepare) -> Option<Context<'_>> {
        // SAFETY: the key is alive and of this thread only, and the context takes a share of it. No
        // engine is named. What is returned is null or ours.
        let context = own(unsafe { EVP_PKEY_CTX_new(self.0.as_ptr(), ptr::null_mut()) })?;
        let context = Context { pointer: context, key: PhantomData };
        // SAFETY: `prepare` is a function of the library, as the type says; the context is alive, has a
        // key, and is prepared for the first time.
        outcome(unsafe { prepare(context.pointer.as_ptr()) })?;
        Some(context)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: the pointer came from the library, is not null, and is freed once: here.
        unsafe { EVP_PKEY_free(self.0.as_ptr()) }
    }
}

/// The numbers of a key, until a key holds them.
struct Rsa(NonNull<RSA>);

impl Rsa {
    fn own(pointer: *mut RSA) -> Option<Self> {
        own(pointer).map(Self)
    }
}

impl Drop for Rsa {
    fn drop(&mut self) {
        // SAFETY: the pointer came from the library, is not null, and our share is given back once:
        // here.
        unsafe { RSA_free(self.0.as_ptr()) }
    }
}

/// A function of the library that prepares a context for one kind of operation.
type Prepare = unsafe extern "C" fn(*mut EVP_PKEY_CTX) -> c_int;

/// A function of the library that sets one of the hashes of a context.
type SetHash = unsafe extern "C" fn(*mut EVP_PKEY_CTX, *const EVP_MD) -> c_int;

/// A function of the library that computes: context, output and its length, input and its length.
type Compute =
    unsafe extern "C" fn(*mut EVP_PKEY_CTX, *mut u8, *mut usize, *const u8, usize) -> c_int;

/// One operation with a key.
struct Context<'key> {
    pointer: NonNull<EVP_PKEY_CTX>,
    key: PhantomData<&'key Key>,
}

impl Context<'_> {
    fn set_padding(&self, padding: c_int) -> Option<()> {
        // SAFETY: the context is alive; the library refuses a padding that it does not know.
        outcome(unsafe { EVP_PKEY_CTX_set_rsa_padding(self.pointer.as_ptr(), padding) })
    }

    fn set_hash(&self, set: SetHash, hash: Hash) -> Option<()> {
        // SAFETY: `set` is a function of the library; the context is alive, and the hash is a constant
        // of the library.
        outcome(unsafe { set(self.pointer.as_ptr(), hash.function()) })
    }

    fn set_salt(&self, salt: u16) -> Option<()> {
        // SAFETY: the context is alive. The number is not one of the negative ones that mean more.
        outcome(unsafe { EVP_PKEY_CTX_set_rsa_pss_saltlen(self.pointer.as_ptr(), salt.into()) })
    }

    fn set_label(&self, label: &[u8]) -> Option<()> {
        if label.is_empty() {
            return Some(());
        }
        // SAFETY: the bytes are readable for their length; what is returned is null or ours.
        let copy = own(unsafe { OPENSSL_memdup(label.as_ptr().cast(), label.len()) })?;
        // SAFETY: the context is alive, and the copy is of that length and from the library's
        // allocator, as it must be: the context owns it if the call succeeds.
        let code = unsafe {
            EVP_PKEY_CTX_set0_rsa_oaep_label(
                self.pointer.as_ptr(),
                copy.as_ptr().cast(),
                label.len(),
            )
        };
        if code != DONE {
            // SAFETY: the call failed, so the copy is still ours, and is freed once: here.
            unsafe { OPENSSL_free(copy.as_ptr()) }
        }
        outcome(code)
    }

    /// Computes. The library says how much it may write, and afterwards how much it wrote.
    fn output(&self, compute: Compute, input: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut length = 0;
        // SAFETY: `compute` is a function of the library; the context is alive and was prepared for it, or
        // else the library refuses. Without a place for the output only
        // its greatest length is written, to `length`. The input is readable for its length.
        let code = unsafe {
            compute(
                self.pointer.as_ptr(),
                ptr::null_mut(),
                &raw mut length,
                input.as_ptr(),
                input.len(),
            )
        };
        outcome(code)?;
        let mut output = Zeroizing::new(vec![0; length]);
        // SAFETY: as before; `output` is writable for `length` bytes, and apart from the input.
        let code = unsafe {
            compute(
                self.pointer.as_ptr(),
                output.as_mut_ptr(),
                &raw mut length,
                input.as_ptr(),
                input.len(),
            )
        };
        outcome(code)?;
        shorten(&mut output, length)?;
        Some(output)
    }
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        // SAFETY: the pointer came from the library, is not null, and is freed once: here.
        unsafe { EVP_PKEY_CTX_free(self.pointer.as_ptr()) }
    }
}

/// Takes what the library returned, if it returned anything.
fn own<T>(pointer: *mut T) -> Option<NonNull<T>> {
    let owned = NonNull::new(pointer);
    if owned.is_none() {
        forget_errors();
    }
    owned
}

/// Looks at a return code.
fn outcome(code: c_int) -> Option<()> {
    if code == DONE {
        return Some(());
    }
    forget_errors();
    None
}

/// Empties the library's list of errors, which is the thread's and would be found by others.
fn forget_errors() {
    // SAFETY: takes nothing, and changes only what belongs to this thread.
    unsafe { ERR_clear_error() }
}

/// Cuts a buffer to what was written to it; `None` if that is more than it holds.
fn shorten(buffer: &mut Vec<u8>, length: usize) -> Option<()> {
    if length > buffer.len() {
        return None;
    }
    buffer.truncate(length);
    Some(())
}
