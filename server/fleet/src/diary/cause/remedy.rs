//! What to do about each cause.

use super::DiaryCause;

impl DiaryCause {
    /// What to do about it, in one to three sentences.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::PlainOnSecurePort => {
                "The device speaks CoAP without security to a coaps port. Let its server URI begin with \
                 coaps:// and give it a PSK identity and key; or, in the lab profile only, point it at \
                 the coap:// port."
            }
            Self::DtlsOnPlainPort => {
                "The device speaks DTLS to a coap port. Let its server URI name the coaps port of this \
                 server: 5684 for management and 5784 for bootstrap, unless they were changed."
            }
            Self::MalformedMessage => {
                "What arrived is not CoAP (RFC 7252): often a scanner, or another protocol on the wrong \
                 port. If the address is a device of yours, capture the datagram and look at its \
                 client's version."
            }
            Self::MalformedHandshake => {
                "What arrived begins like DTLS and is none. Look for a scanner first; if it is a device \
                 of yours, bring its DTLS library up to date."
            }
            Self::NoCommonVersion => {
                "The client offers no version that is served here. Build it with DTLS 1.2 (RFC 6347)."
            }
            Self::NoCommonSuite => {
                "The client offers no cipher suite that is served here. Let it offer \
                 TLS_PSK_WITH_AES_128_CCM_8, which LwM2M makes mandatory for PSK, or \
                 TLS_PSK_WITH_AES_128_GCM_SHA256."
            }
            Self::UnknownIdentity => {
                "No credential has this identity. Compare it with the one in the device, letter by \
                 letter (case and blanks count). If the device is yours, add it by the button here, \
                 with this identity."
            }
            Self::WrongKey => {
                "The identity is known and the key that came with it is another. Compare how the key \
                 was given to the device: it is hexadecimal here, and clients often take the digits for \
                 text. If it is lost, revoke this credential and add a new one."
            }
            Self::HandshakeTimedOut => {
                "The handshake began and did not end in time. Look at the way to the device: a firewall \
                 or a NAT that drops answers, or an MTU below the size of a flight. A wrong key looks \
                 like this too, where the client gives up without a word."
            }
            Self::HandshakeAborted => {
                "The client has sent an alert; its name stands in the details. Look up that alert in \
                 the client's own log: it knows what it did not like."
            }
            Self::TooManyHandshakes => {
                "More handshakes were under way than the bounds allow. If many devices came back at \
                 once, they get in by themselves as they try again. If not, look at the addresses: this \
                 may be a flood."
            }
            Self::ServerUnavailable => {
                "The fault is here: the database did not answer. Look at the server's log and at /readyz. The device \
                 tries again by itself."
            }
            Self::CredentialExpired => {
                "The credential's time is over. Make a new one on the device's page and give it to the \
                 device, or let it bootstrap anew."
            }
            Self::CredentialNotYetValid => {
                "The credential is good from a later time on. Look at the server's clock, or make a \
                 credential that is good now."
            }
            Self::CredentialRevoked => {
                "The credential was taken away; who did it stands in the audit log. If the device shall \
                 come back, make a new credential on its page. If not, somebody still holds the old \
                 one: find it."
            }
            Self::CredentialReplaced => {
                "Another credential of this device has proved itself and taken this one's place. The \
                 device fell back to the old one, or two devices share an identity. Let the device \
                 bootstrap anew, or give it the new credential."
            }
            Self::CredentialKindNotAllowed => {
                "The credential is good, and the device's class does not let in its kind. Give the device a \
                 credential of a kind that the class lets in, put it into another class, or change what \
                 its class lets in."
            }
            Self::UnknownPublicKey => {
                "No device has this raw public key. Compare its SHA-256 with the one in the device. If the \
                 device is yours, give it a credential of that key on its page; if its key was made \
                 anew, its old one is of no use any more."
            }
            Self::UnknownCertificate => {
                "The certificate is good, and nothing in it is the name of a device's credential. Look at \
                 what the class says a certificate names its device by (common name, subject alternative \
                 name, serial number or key), and give the device a credential of that name."
            }
            Self::AmbiguousCertificate => {
                "Several devices have a credential that this certificate fits, each by another of its names. \
                 Take the name off all but one, or pin the certificate to the device it belongs to."
            }
            Self::CertificateUntrusted => {
                "The certificate leads to no authority that is trusted here, or its chain is not complete. Add \
                 the authority, let the device send the certificates in between, or pin the device's \
                 certificate on its page."
            }
            Self::CertificateExpired => {
                "The device needs a new certificate: rotate its credential, or let it bootstrap anew. If the \
                 date is not past, look at the server's clock."
            }
            Self::CertificateNotYetValid => {
                "The certificate is good from a later time on. Look at the server's clock, and at that of the \
                 machine which has issued the certificate."
            }
            Self::CertificateRevoked => {
                "The authority's revocation list names this certificate. If the device shall come back, issue \
                 a new certificate for a new key; if not, somebody still holds the old one: find it."
            }
            Self::BootstrapCredentialAtManagement => {
                "The device uses its bootstrap credential where it should use its management one. Point \
                 its server URI at the bootstrap port (5784 unless it was changed) and mark that \
                 account as bootstrap server, or give it a management credential."
            }
            Self::ManagementCredentialAtBootstrap => {
                "The device uses its management credential at the bootstrap server. Point its server \
                 URI at the management port (5684 unless it was changed), or give it a bootstrap \
                 credential."
            }
            Self::DeviceRemoved => {
                "The device was removed here and tries to come back. If it shall, add it anew under its \
                 name; if not, take its credentials off the device or switch it off."
            }
            Self::QuotaUsedUp => {
                "The claim has enrolled as many devices as it may. If more are to come, open a new \
                 claim with a new credential; if not, find out who uses this one."
            }
            Self::ClaimWindowClosed => {
                "The claim is not open yet, or it has closed. Open a new claim with a new credential \
                 for the devices that are still to come."
            }
            Self::SecondClaim => {
                "A device of this name has enrolled itself by a claim already. If it lost what it was \
                 given then, approve it here: it may claim once more within the hour. If not, two \
                 devices have one serial number, or somebody copies one."
            }
            Self::EndpointNotIdentity => {
                "The device names an endpoint that its credential does not belong to. Let it send the \
                 endpoint name that the credential was made for, or none at all: the identity tells who \
                 it is."
            }
            Self::MissingEndpoint => {
                "The request names no endpoint, and nothing else tells who sent it. Let the client send \
                 ep=, or come with a credential."
            }
            Self::MalformedRegister => {
                "A parameter or the list of objects breaks the specification; the details say which. \
                 Correct it in the client's configuration, or bring the client up to date."
            }
            Self::UnsupportedVersion => {
                "This server speaks LwM2M 1.0 and 1.1. Let the client send lwm2m=1.1 or lwm2m=1.0, and \
                 no object of a later version."
            }
            Self::SecuredEndpointWithoutSecurity => {
                "This endpoint has a credential, so it may not come without security. Let the device \
                 use it at the coaps port; if somebody else uses its name, find out who."
            }
            Self::NotEnrolled => {
                "This server takes devices that were added. If the device is yours, add it by the \
                 button here and give it a credential."
            }
            Self::FleetFull => {
                "The server holds as many devices as it may. Remove devices that are gone, or raise the \
                 limit in the configuration."
            }
            Self::UnknownRegistration => {
                "The device goes on with a registration that this server does not know: it expired, or \
                 it belongs to another device. Most devices register anew by themselves; if this one \
                 does not, restart it."
            }
            Self::NoBootstrapPlan => {
                "The device's bootstrap plan is missing or can not be sent. Look at the plan of the \
                 device or of its class, mend what is marked there, and let the device try again."
            }
            Self::BootstrapRefused => {
                "The device answered a step with an error; the bootstrap's record shows which and what \
                 it said. Mostly it lacks an object or a resource that the plan writes: take it out of \
                 the plan."
            }
            Self::InconsistentConfiguration => {
                "The device answered Finish with 4.06: something that belongs together is missing. The \
                 bootstrap's record says what was written; compare it with what the device needs and \
                 add that to the plan."
            }
            Self::BootstrapTimedOut => {
                "The device answered for a while and stopped. It tries again by itself in most cases; \
                 if it stops at the same step each time, the bootstrap's record shows at which."
            }
            Self::NeverRegisteredAfterBootstrap => {
                "The device took everything and did not register afterwards. Look whether it can reach \
                 the management address that was written (name, port, firewall), and whether this diary \
                 holds a handshake of its new identity."
            }
            Self::DownloadRefused => {
                "The details say why. An address to fetch from is good for one device and one update, and \
                 ends with it: begin another update. If nobody's device is at the address it came from, \
                 somebody tries addresses."
            }
            Self::SleepingTooLong => {
                "The device was not heard within its lifetime, so that its registration has ended. Look \
                 at its power and its network first. If it sleeps by design, give it a lifetime longer \
                 than its sleep."
            }
        }
    }
}
