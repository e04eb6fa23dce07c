//! The verbs of the root key, beside a running server: what is under it, and its change.

use kmip_operations::admin;

use super::{
    Place,
    verb::{Finding, Teller},
};
use crate::{
    config,
    report::Report,
    root_key_verbs::{self, Rotate},
};

/// Tells where the root key comes from, and what is sealed under which data key.
pub(super) async fn status(place: &Place, teller: &Teller) -> Result<Finding, Report> {
    let status = root_key_verbs::status(&place.store, place.root_key.as_ref()).await?;
    for line in status.to_string().lines() {
        teller.line(line).await?;
    }
    Ok(if status.is_sound() { Finding::Sound } else { Finding::Damage })
}

/// Changes the root key to what `section` names as the next, and seals everything anew.
pub(super) async fn rotate(
    place: &Place,
    section: &config::RootKey,
    what: Rotate,
    user: &str,
    teller: &Teller,
) -> Result<Finding, Report> {
    place.note(user, admin::ROTATE_ROOT_KEY, None).await?;
    let sealed = &mut |anew: &kmip_sealed::SealedAnew| {
        teller.progress("sealing", anew.read, None);
    };
    let under = place.root_key.as_ref();
    let rotation = root_key_verbs::rotate(&place.store, under, section, what, sealed).await?;
    for line in rotation.to_string().lines() {
        teller.line(line).await?;
    }
    Ok(if rotation.is_sound() { Finding::Sound } else { Finding::Damage })
}
