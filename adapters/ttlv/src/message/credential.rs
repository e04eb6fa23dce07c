//! Authentication and Credential (KMIP 2.1 §9.4 and §9.11, 1.4 §6.6 and §2.1.2).

use kmip_model::enumeration::{CredentialType, Tag};
use kmip_ports::identity::Credential;

use crate::{
    fault::Fault,
    reader::Element,
    schema::{Context, Decode},
};

/// Reads the credentials of an Authentication.
pub(super) fn read(
    authentication: Element<'_>,
    context: &Context,
) -> Result<Vec<Credential>, Fault> {
    authentication.fields()?.repeated(Tag::Credential, context)
}

impl Decode for Credential {
    fn decode(element: Element<'_>, context: &Context) -> Result<Self, Fault> {
        let fields = element.fields()?;
        let credential_type: CredentialType = fields.required(Tag::CredentialType, context)?;
        let value = fields
            .find(Tag::CredentialValue)?
            .ok_or(Fault::missing(Tag::CredentialValue))?
            .fields()?;
        if credential_type != CredentialType::UsernameAndPassword {
            return Ok(Self::Other(credential_type));
        }
        let password = value.find(Tag::Password)?.map(Element::text).transpose()?;
        Ok(Self::UsernameAndPassword {
            username: value.required(Tag::Username, context)?,
            password: password.map(|text| text.as_bytes().into()),
        })
    }
}
