//! The root key of a token: every call opens a session, logs in, finds the key, and ends.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use async_trait::async_trait;
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    mechanism::{Mechanism, aead::GcmParams},
    object::{Attribute, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    slot::Slot,
    types::{AuthPin, Ulong},
};
use kmip_model::Material;
use kmip_ports::root_key::{RootKey, RootKeyError};
use thiserror::Error as ThisError;

use crate::{
    form::{self, IV_BYTES, TAG_BYTES},
    place::{Place, Token},
};

/// The bytes of a root key.
const KEY_BYTES: usize = 32;

/// Why a token does not serve.
#[derive(Debug, ThisError)]
pub enum TokenError {
    /// The library cannot be loaded.
    #[error("the PKCS#11 module {module} cannot be used: {reason}")]
    Module {
        /// The library.
        module: PathBuf,
        /// What the loader or the module says.
        reason: String,
    },
    /// There is no such token.
    #[error("{0} is not present")]
    NoToken(Token),
    /// The PIN is no text.
    #[error("the PIN is not text")]
    PinNotText,
    /// The token refuses the PIN.
    #[error("{token} refuses the PIN: {reason}")]
    Login {
        /// The token.
        token: Token,
        /// What it says.
        reason: String,
    },
    /// There is no such key.
    #[error("{token} has no AES key labelled {key:?}; make it with 'kmip-app root-key create'")]
    NoKey {
        /// The token.
        token: Token,
        /// The label.
        key: String,
    },
    /// There are several, and which of them is meant cannot be known.
    #[error("{token} has several keys labelled {key:?}; leave one")]
    SeveralKeys {
        /// The token.
        token: Token,
        /// The label.
        key: String,
    },
    /// There is a key already that would have to be told from the new one.
    #[error("{token} has a key labelled {key:?} already, which is never replaced")]
    KeyExists {
        /// The token.
        token: Token,
        /// The label.
        key: String,
    },
    /// The token does something else than asked.
    #[error("{token} does not serve: {reason}")]
    Refused {
        /// The token.
        token: Token,
        /// What it says.
        reason: String,
    },
    /// The task that speaks to the token has ended.
    #[error("the call to the token did not end")]
    Lost,
}

impl From<TokenError> for RootKeyError {
    fn from(error: TokenError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Wraps data keys under a key of a token.
#[derive(Clone)]
pub struct TokenRootKey(Arc<Inner>);

struct Inner {
    module: Arc<Module>,
    place: Place,
    pin: Option<AuthPin>,
}

/// A library that is loaded, once for the process.
struct Module {
    calls: Pkcs11,
    /// Who is logged in is known per process, and ends with its last session: one call at a time.
    one: Mutex<()>,
}

impl fmt::Debug for TokenRootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRootKey").field("place", &self.0.place).finish_non_exhaustive()
    }
}

impl TokenRootKey {
    /// Loads the module; the token need not be there yet. Without a PIN the token asks for it itself.
    ///
    /// # Errors
    /// Reports a module that cannot be loaded, and a PIN that is no text.
    pub fn new(place: Place, pin: Option<&Material>) -> Result<Self, TokenError> {
        let text = |pin: &Material| str::from_utf8(pin.expose()).map(AuthPin::from);
        let pin = pin.map(text).transpose().map_err(|_| TokenError::PinNotText)?;
        let module = Module::load(&place.module)?;
        Ok(Self(Arc::new(Inner { module, place, pin })))
    }

    /// Makes the key in the token: AES of 256 bits that cannot be read or taken out. Waits for the token.
    ///
    /// # Errors
    /// Refuses if a key of that label is there.
    pub fn create(&self) -> Result<(), TokenError> {
        self.0.call(Inner::create)
    }

    /// Runs a call on a thread that may wait.
    async fn call<T: Send + 'static>(
        &self,
        call: impl Fn(&Inner) -> Result<T, TokenError> + Send + 'static,
    ) -> Result<T, TokenError> {
        let inner = Arc::clone(&self.0);
        let task = tokio::task::spawn_blocking(move || inner.call(call));
        task.await.map_err(|_| TokenError::Lost)?
    }
}

#[async_trait]
impl RootKey for TokenRootKey {
    async fn wrap(&self, context: &[u8], data_key: &Material) -> Result<Vec<u8>, RootKeyError> {
        let (context, data_key) = (context.to_vec(), data_key.clone());
        Ok(self.call(move |inner| inner.wrap(&context, &data_key)).await?)
    }

    async fn unwrap(&self, context: &[u8], wrapped: &[u8]) -> Result<Material, RootKeyError> {
        let (context, wrapped) = (context.to_vec(), wrapped.to_vec());
        let opened = self.call(move |inner| inner.unwrap(&context, &wrapped)).await?;
        opened.ok_or(RootKeyError::WrongKey)
    }
}

impl Inner {
    /// Makes a call; if the token is missed, once more after the module has looked for tokens anew.
    fn call<T>(&self, call: impl Fn(&Self) -> Result<T, TokenError>) -> Result<T, TokenError> {
        let _one = lock(&self.module.one);
        match call(self) {
            Err(TokenError::NoToken(_)) => {
                self.module.begin_again().map_err(|error| self.refused(&error))?;
                call(self)
            }
            done => done,
        }
    }

    fn refused(&self, error: &Error) -> TokenError {
        let token = self.place.token.clone();
        match error {
            Error::Pkcs11(
                RvError::TokenNotPresent
                | RvError::TokenNotRecognized
                | RvError::DeviceRemoved
                // It could not begin again while the token was away.
                | RvError::CryptokiNotInitialized,
                _,
            ) => TokenError::NoToken(token),
            error => TokenError::Refused { token, reason: error.to_string() },
        }
    }

    fn slot(&self) -> Result<Slot, TokenError> {
        let slots =
            self.module.calls.get_slots_with_token().map_err(|error| self.refused(&error))?;
        let is_meant = |slot: &Slot| match &self.place.token {
            Token::Slot(number) => slot.id() == *number,
            Token::Label(label) => {
                let info = self.module.calls.get_token_info(*slot);
                info.is_ok_and(|info| info.label().trim_end() == label)
            }
        };
        let found = slots.into_iter().find(is_meant);
        found.ok_or_else(|| TokenError::NoToken(self.place.token.clone()))
    }

    fn log_in(&self, session: &Session) -> Result<(), TokenError> {
        match session.login(UserType::User, self.pin.as_ref()) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(error) => Err(TokenError::Login {
                token: self.place.token.clone(),
                reason: error.to_string(),
            }),
        }
    }

    /// Opens a session that may use the key.
    fn session(&self) -> Result<Session, TokenError> {
        let session = self.module.calls.open_ro_session(self.slot()?);
        let session = session.map_err(|error| self.refused(&error))?;
        self.log_in(&session)?;
        Ok(session)
    }

    fn keys(&self, session: &Session) -> Result<Vec<ObjectHandle>, TokenError> {
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::Label(self.place.key.as_bytes().to_vec()),
        ];
        session.find_objects(&template).map_err(|error| self.refused(&error))
    }

    fn key(&self, session: &Session) -> Result<ObjectHandle, TokenError> {
        let (token, key) = (self.place.token.clone(), self.place.key.clone());
        match self.keys(session)?.as_slice() {
            [] => Err(TokenError::NoKey { token, key }),
            [only] => Ok(*only),
            _ => Err(TokenError::SeveralKeys { token, key }),
        }
    }

    fn create(&self) -> Result<(), TokenError> {
        let session = self.module.calls.open_rw_session(self.slot()?);
        let session = session.map_err(|error| self.refused(&error))?;
        self.log_in(&session)?;
        if !self.keys(&session)?.is_empty() {
            let (token, key) = (self.place.token.clone(), self.place.key.clone());
            return Err(TokenError::KeyExists { token, key });
        }
        let template = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
            Attribute::ValueLen(Ulong::try_from(KEY_BYTES).map_err(|error| self.refused(&error))?),
            Attribute::Label(self.place.key.as_bytes().to_vec()),
        ];
        let made = session.generate_key(&Mechanism::AesKeyGen, &template);
        made.map(drop).map_err(|error| self.refused(&error))
    }

    fn wrap(&self, context: &[u8], data_key: &Material) -> Result<Vec<u8>, TokenError> {
        let session = self.session()?;
        let key = self.key(&session)?;
        self.encrypt(&session, key, context, data_key.expose())
    }

    fn encrypt(
        &self,
        session: &Session,
        key: ObjectHandle,
        context: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, TokenError> {
        let mut iv = [0; IV_BYTES];
        session.generate_random_slice(&mut iv).map_err(|error| self.refused(&error))?;
        // A token that insists on a vector of its own writes it here.
        let parameters = gcm(&mut iv, context).map_err(|error| self.refused(&error))?;
        let sealed = session.encrypt(&Mechanism::AesGcm(parameters), key, plain);
        Ok(form::write(iv, &sealed.map_err(|error| self.refused(&error))?))
    }

    /// Decrypts; `None` if the token does not take it for its own.
    fn unwrap(&self, context: &[u8], wrapped: &[u8]) -> Result<Option<Material>, TokenError> {
        let Some((mut iv, sealed)) = form::read(wrapped) else {
            return Ok(None);
        };
        let session = self.session()?;
        let key = self.key(&session)?;
        let parameters = gcm(&mut iv, context).map_err(|error| self.refused(&error))?;
        match session.decrypt(&Mechanism::AesGcm(parameters), key, sealed) {
            Ok(plain) => Ok(Some(Material::new(plain))),
            Err(Error::Pkcs11(
                RvError::EncryptedDataInvalid | RvError::EncryptedDataLenRange,
                _,
            )) => Ok(None),
            // Some tokens say of a wrong tag only that something failed. A token that still opens
            // what it has just made has not failed.
            Err(_) if self.serves(&session, key) => Ok(None),
            Err(error) => Err(self.refused(&error)),
        }
    }

    fn serves(&self, session: &Session, key: ObjectHandle) -> bool {
        let probe = b"probe";
        let Ok(wrapped) = self.encrypt(session, key, b"", probe) else { return false };
        let Some((mut iv, sealed)) = form::read(&wrapped) else { return false };
        gcm(&mut iv, b"")
            .and_then(|parameters| session.decrypt(&Mechanism::AesGcm(parameters), key, sealed))
            .is_ok_and(|plain| plain == probe)
    }
}

fn gcm<'a>(iv: &'a mut [u8], context: &'a [u8]) -> Result<GcmParams<'a>, Error> {
    GcmParams::new(iv, context, Ulong::try_from(TAG_BYTES.saturating_mul(8))?)
}

impl Module {
    /// Loads a module, once for the process: it may be initialized only once.
    fn load(path: &Path) -> Result<Arc<Self>, TokenError> {
        static LOADED: OnceLock<Mutex<HashMap<PathBuf, Arc<Module>>>> = OnceLock::new();
        let mut loaded = lock(LOADED.get_or_init(Mutex::default));
        if let Some(module) = loaded.get(path) {
            return Ok(Arc::clone(module));
        }
        let failed = |error: Error| TokenError::Module {
            module: path.to_owned(),
            reason: error.to_string(),
        };
        let calls = Pkcs11::new(path).map_err(failed)?;
        let module = Arc::new(Self { calls, one: Mutex::new(()) });
        module.begin().map_err(failed)?;
        loaded.insert(path.to_owned(), Arc::clone(&module));
        Ok(module)
    }

    fn begin(&self) -> Result<(), Error> {
        match self.calls.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
            begun => begun,
        }
    }

    /// Ends and begins: some modules look for tokens only then. No call has a session meanwhile.
    fn begin_again(&self) -> Result<(), Error> {
        // One that has not begun, because it could not begin again the last time, cannot end.
        let _ = self.calls.clone().finalize();
        self.begin()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
