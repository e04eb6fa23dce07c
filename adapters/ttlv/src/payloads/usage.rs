//! Payloads of Check (KMIP 2.1 §6.1.7, 1.4 §4.10).

use kmip_operations::ops::check;

use crate::schema::structure;

structure! { check::Request {
    UniqueIdentifier unique_identifier: default since V1_0;
    UsageLimitsCount usage_limits_count: optional since V1_0;
    CryptographicUsageMask cryptographic_usage_mask: optional since V1_0;
    LeaseTime lease_time: optional since V1_0;
} }

structure! { check::Response {
    UniqueIdentifier unique_identifier: required since V1_0;
} }

#[cfg(test)]
mod tests {
    use kmip_model::{
        IdentifierRef, Interval,
        enumeration::{CryptographicUsageMask, Tag},
    };

    use super::*;
    use crate::{
        reader::{Element, Limits},
        schema::{Context, Decode as _, Encode as _},
        version::Version,
        writer::Writer,
    };

    #[test]
    fn what_is_checked_stands_beside_the_identifier_in_every_version() {
        for version in Version::ALL {
            let request = check::Request {
                unique_identifier: IdentifierRef::Placeholder,
                usage_limits_count: Some(5),
                cryptographic_usage_mask: Some(CryptographicUsageMask::DECRYPT),
                lease_time: Some(Interval(60)),
            };
            let mut writer = Writer::new(version);
            request.encode(Tag::RequestPayload, &mut writer);
            let bytes = writer.into_bytes();
            let payload = Element::parse(&bytes, &Limits::default()).unwrap();
            let read = check::Request::decode(payload, &Context::new(version));
            assert_eq!(read, Ok(request), "{version}");
        }
    }
}
