//! Who asks for a bootstrap, and whether they may.

use crate::fleet::{enrol::removed_since, when::utc};
use crate::{
    BootstrapAsked, BootstrapResult, BootstrapSettings, Claim, Claimed, ClassId, Context, CredentialState,
    Device, DiaryCause, EndpointName, Fleet, FleetError, Holder, Identity, Malformed, Purpose, Refusal,
    store::DeviceView,
};

/// Why a device is not bootstrapped: what it is told, and what the diary is.
pub(super) struct Turned {
    pub(super) refusal: Refusal,
    pub(super) cause: Option<DiaryCause>,
    pub(super) detail: String,
    pub(super) device: Option<Box<Device>>,
}

/// The device that asks, and by which right.
pub(super) struct Comer {
    pub(super) device: Device,
    pub(super) right: Right,
    /// It is known from now on.
    pub(super) is_new: bool,
}

pub(super) enum Right {
    /// Its own bootstrap credential.
    Own(Identity),
    /// A claim's: with what is noted of that, unless it goes on where it was cut off.
    Claim(Identity, Box<Claim>, Option<Claimed>),
    /// None: the lab.
    Lab,
}

impl Fleet {
    pub(super) async fn comer(
        &self,
        context: &Context,
        asked: &BootstrapAsked,
        settings: &BootstrapSettings,
    ) -> Result<Comer, Turned> {
        let endpoint = asked.request.endpoint.as_ref();
        let Some(identity) = asked.origin.identity else {
            return self.without_security(context, endpoint, settings).await;
        };
        if identity.purpose != Purpose::Bootstrap {
            let cause = DiaryCause::ManagementCredentialAtBootstrap;
            return Err(turned(Refusal::WrongPurpose { purpose: identity.purpose }, cause));
        }
        match identity.holder {
            Holder::Device(device) => {
                let view = self.store.device_row(device).await?;
                let view = view.ok_or_else(|| turned(Refusal::Removed, DiaryCause::DeviceRemoved))?;
                let device = present(view)?.device;
                // LwM2M Core 1.1.1 §6.1.7.1: the name may be left out; where it is given it is the identity's.
                if endpoint.is_some_and(|endpoint| *endpoint != device.endpoint) {
                    let mut turned = turned(Refusal::EndpointNotIdentity, DiaryCause::EndpointNotIdentity);
                    turned.detail = format!(
                        "it calls itself `{}`, and its identity is that of `{}`",
                        endpoint.map_or("", EndpointName::as_str),
                        device.endpoint
                    );
                    return Err(turned.of(device));
                }
                Ok(Comer { device, right: Right::Own(identity), is_new: false })
            }
            Holder::Claim(_) => self.by_claim(context, identity, endpoint).await,
        }
    }

    async fn without_security(
        &self,
        context: &Context,
        endpoint: Option<&EndpointName>,
        settings: &BootstrapSettings,
    ) -> Result<Comer, Turned> {
        if !settings.lab {
            return Err(turned(Refusal::Forbidden, DiaryCause::NotEnrolled));
        }
        let endpoint = endpoint.ok_or_else(nameless)?;
        let Some(view) = self.store.device_by_endpoint(endpoint).await? else {
            let device = self.newcomer(context, ClassId::DEFAULT, endpoint).await?;
            return Ok(Comer { device, right: Right::Lab, is_new: true });
        };
        let view = present(view)?;
        if view.secured {
            let cause = DiaryCause::SecuredEndpointWithoutSecurity;
            return Err(turned(Refusal::Secured, cause).of(view.device));
        }
        Ok(Comer { device: view.device, right: Right::Lab, is_new: false })
    }

    /// FLEET.md has it as ID-06: once for each device, within a quota and a window.
    async fn by_claim(
        &self,
        context: &Context,
        identity: Identity,
        endpoint: Option<&EndpointName>,
    ) -> Result<Comer, Turned> {
        let Holder::Claim(id) = identity.holder else {
            return Err(turned(Refusal::Forbidden, DiaryCause::NotEnrolled));
        };
        let endpoint = endpoint.ok_or_else(nameless)?;
        let now = context.now;
        let claim = self.store.claim(id).await?;
        let claim = claim.filter(|claim| !claim.closed && claim.opens_at <= now && now < claim.closes_at);
        let claim = claim.ok_or_else(|| turned(Refusal::Forbidden, DiaryCause::ClaimWindowClosed))?;
        let claimed = |device: &Device| Claimed {
            claim: id,
            device: device.id,
            endpoint: endpoint.clone(),
            at: now,
            again_until: None,
        };
        let used_up = || {
            let mut turned = turned(Refusal::Forbidden, DiaryCause::QuotaUsedUp);
            turned.detail = format!("the claim {} has enrolled {} devices", claim.name, claim.used);
            turned
        };
        let Some(view) = self.store.device_by_endpoint(endpoint).await? else {
            if claim.used >= claim.quota {
                return Err(used_up());
            }
            let device = self.newcomer(context, claim.class, endpoint).await?;
            let claimed = Some(claimed(&device));
            return Ok(Comer {
                device,
                right: Right::Claim(identity, Box::new(claim), claimed),
                is_new: true,
            });
        };
        let view = present(view)?;
        let noted = match self.store.claimed(id, endpoint).await? {
            // It was cut off before it had taken anything to the end: it goes on with what was made for it.
            Some(_) if self.was_cut_off(&view).await? => None,
            Some(before) if before.again_until.is_some_and(|until| now < until) => {
                Some(claimed(&view.device))
            }
            None if !view.secured => {
                if claim.used >= claim.quota {
                    return Err(used_up().of(view.device));
                }
                Some(claimed(&view.device))
            }
            before => {
                let mut turned = turned(Refusal::Forbidden, DiaryCause::SecondClaim);
                turned.detail = match before {
                    Some(before) => format!("enrolled by the claim {} on {}", claim.name, utc(before.at)),
                    None => "it has a credential of its own".to_owned(),
                };
                return Err(turned.of(view.device));
            }
        };
        Ok(Comer {
            device: view.device,
            right: Right::Claim(identity, Box::new(claim), noted),
            is_new: false,
        })
    }

    /// Whether a claimed device has neither finished a bootstrap nor proved a credential of its own: a power cut within
    /// its first bootstrap leaves it with the claim's credential alone.
    async fn was_cut_off(&self, view: &DeviceView) -> Result<bool, FleetError> {
        let held = self.store.credentials(view.device.id).await?;
        if held.iter().any(|credential| credential.state != CredentialState::Staged) {
            return Ok(false);
        }
        let sessions = self.store.bootstraps(view.device.id).await?;
        Ok(sessions.iter().all(|session| session.result != BootstrapResult::Finished))
    }

    async fn newcomer(
        &self,
        context: &Context,
        class: ClassId,
        endpoint: &EndpointName,
    ) -> Result<Device, Turned> {
        let ids = self.downlink.reserve(1).await;
        let id = ids.and_then(|ids| ids.first().copied());
        let id = id.ok_or_else(|| turned(Refusal::FleetFull, DiaryCause::FleetFull))?;
        Ok(self.new_device(context, id, class, endpoint.clone()))
    }
}

impl Right {
    pub(super) fn identity(&self) -> Option<Identity> {
        match self {
            Self::Own(identity) | Self::Claim(identity, ..) => Some(*identity),
            Self::Lab => None,
        }
    }
}

impl Turned {
    fn of(self, device: Device) -> Self {
        Self { device: Some(Box::new(device)), ..self }
    }
}

/// What the store does not take is no incident of the device's.
impl<E: Into<FleetError>> From<E> for Turned {
    fn from(error: E) -> Self {
        let refusal = match error.into() {
            // It was enrolled at the same moment by another request.
            FleetError::AlreadyThere(_) => Refusal::Busy,
            _ => Refusal::StoreUnavailable,
        };
        Self { refusal, cause: None, detail: String::new(), device: None }
    }
}

fn turned(refusal: Refusal, cause: DiaryCause) -> Turned {
    Turned { refusal, cause: Some(cause), detail: String::new(), device: None }
}

/// Its session is about to end.
pub(super) fn revoked() -> Turned {
    turned(Refusal::Forbidden, DiaryCause::CredentialRevoked)
}

fn nameless() -> Turned {
    turned(Refusal::Malformed(Malformed::MissingEndpoint), DiaryCause::MissingEndpoint)
}

/// A device that was not removed.
fn present(view: DeviceView) -> Result<DeviceView, Turned> {
    match removed_since(&view.device) {
        None => Ok(view),
        Some(detail) => {
            let turned = Turned { detail, ..turned(Refusal::Removed, DiaryCause::DeviceRemoved) };
            Err(turned.of(view.device))
        }
    }
}
