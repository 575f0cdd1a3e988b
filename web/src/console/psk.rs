//! PSK identities and keys as forms hold them.

use fleet::{FleetError, GivenPsk, PskIdentity, PskKey};

use crate::form::Fields;

/// The identity and the key that were typed; what is left out is made. `before` is what the fields' names begin with.
pub(crate) fn given_psk(fields: &Fields, before: &str) -> Result<GivenPsk, FleetError> {
    let typed = |name: &str| {
        let text = fields.text(&format!("{before}{name}")).trim();
        (!text.is_empty()).then_some(text)
    };
    let digits =
        |text: &str| -> String { text.chars().filter(|c| !c.is_whitespace() && *c != ':').collect() };
    Ok(GivenPsk {
        identity: typed("identity").map(PskIdentity::from_text).transpose()?,
        key: typed("key").map(|text| PskKey::from_hex(&digits(text))).transpose()?,
    })
}
