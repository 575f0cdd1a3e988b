//! The cipher suites served.

/// A cipher suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
#[expect(missing_docs, reason = "named as the registry does")]
pub enum Suite {
    PskAes128Ccm8 = 0xc0a8,
    PskAes128Ccm = 0xc0a4,
    PskAes128GcmSha256 = 0x00a8,
    PskAes128CbcSha256 = 0x00ae,
    EcdhePskAes128GcmSha256 = 0xd001,
    EcdhePskAes128Ccm8Sha256 = 0xd003,
    EcdhePskAes128CbcSha256 = 0xc037,
    EcdheEcdsaAes128Ccm8 = 0xc0ae,
    EcdheEcdsaAes128Ccm = 0xc0ac,
    EcdheEcdsaAes128GcmSha256 = 0xc02b,
    EcdheEcdsaAes128CbcSha256 = 0xc023,
}

/// How the premaster secret is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyExchange {
    /// RFC 4279 §2.
    Psk,
    /// RFC 5489 §2.
    EcdhePsk,
    /// RFC 8422 §2.
    EcdheEcdsa,
}

/// How records are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    /// AES-128-CCM with a tag of so many bytes (RFC 6655).
    Ccm {
        /// 8 or 16.
        tag: usize,
    },
    /// AES-128-GCM (RFC 5288).
    Gcm,
    /// AES-128-CBC with HMAC-SHA-256 (RFC 5246 §6.2.3.2).
    Cbc,
}

impl Suite {
    /// All of them, best first: authenticated encryption before CBC, short tags first for they save air time; forward
    /// secrecy is the device's to ask for by what it offers.
    pub const ALL: [Self; 11] = [
        Self::EcdheEcdsaAes128Ccm8,
        Self::EcdheEcdsaAes128Ccm,
        Self::EcdheEcdsaAes128GcmSha256,
        Self::PskAes128Ccm8,
        Self::PskAes128Ccm,
        Self::PskAes128GcmSha256,
        Self::EcdhePskAes128Ccm8Sha256,
        Self::EcdhePskAes128GcmSha256,
        Self::EcdheEcdsaAes128CbcSha256,
        Self::EcdhePskAes128CbcSha256,
        Self::PskAes128CbcSha256,
    ];

    /// The suite of a number, if it is served.
    pub fn of(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| *suite as u16 == number)
    }

    /// As the IANA registry names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::PskAes128Ccm8 => "TLS_PSK_WITH_AES_128_CCM_8",
            Self::PskAes128Ccm => "TLS_PSK_WITH_AES_128_CCM",
            Self::PskAes128GcmSha256 => "TLS_PSK_WITH_AES_128_GCM_SHA256",
            Self::PskAes128CbcSha256 => "TLS_PSK_WITH_AES_128_CBC_SHA256",
            Self::EcdhePskAes128GcmSha256 => "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256",
            Self::EcdhePskAes128Ccm8Sha256 => "TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256",
            Self::EcdhePskAes128CbcSha256 => "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256",
            Self::EcdheEcdsaAes128Ccm8 => "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8",
            Self::EcdheEcdsaAes128Ccm => "TLS_ECDHE_ECDSA_WITH_AES_128_CCM",
            Self::EcdheEcdsaAes128GcmSha256 => "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            Self::EcdheEcdsaAes128CbcSha256 => "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
        }
    }

    pub(crate) fn key_exchange(self) -> KeyExchange {
        match self {
            Self::PskAes128Ccm8
            | Self::PskAes128Ccm
            | Self::PskAes128GcmSha256
            | Self::PskAes128CbcSha256 => KeyExchange::Psk,
            Self::EcdhePskAes128GcmSha256
            | Self::EcdhePskAes128Ccm8Sha256
            | Self::EcdhePskAes128CbcSha256 => KeyExchange::EcdhePsk,
            Self::EcdheEcdsaAes128Ccm8
            | Self::EcdheEcdsaAes128Ccm
            | Self::EcdheEcdsaAes128GcmSha256
            | Self::EcdheEcdsaAes128CbcSha256 => KeyExchange::EcdheEcdsa,
        }
    }

    pub(crate) fn protection(self) -> Protection {
        match self {
            Self::PskAes128Ccm8 | Self::EcdhePskAes128Ccm8Sha256 | Self::EcdheEcdsaAes128Ccm8 => {
                Protection::Ccm { tag: 8 }
            }
            Self::PskAes128Ccm | Self::EcdheEcdsaAes128Ccm => Protection::Ccm { tag: 16 },
            Self::PskAes128GcmSha256 | Self::EcdhePskAes128GcmSha256 | Self::EcdheEcdsaAes128GcmSha256 => {
                Protection::Gcm
            }
            Self::PskAes128CbcSha256 | Self::EcdhePskAes128CbcSha256 | Self::EcdheEcdsaAes128CbcSha256 => {
                Protection::Cbc
            }
        }
    }
}
