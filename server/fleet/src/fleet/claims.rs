//! The verbs on claims: one credential for a batch of devices.

use super::{credentials::name_of, taken, timeline};
use crate::{
    AuditEntry, Change, Claim, ClaimId, ClassId, Commit, Context, CredentialState, DiaryCause, DiaryId,
    Fleet, FleetError, GivenPsk, Holder, Permission, PublicId, Purpose, Shown, TimelineKind, Timestamp, Verb,
    store::{Page, PageRequest},
};

/// A claim to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewClaim {
    /// What people call it, such as the name of a production batch.
    pub name: String,
    /// The class of the devices it enrols.
    pub class: ClassId,
    /// How many devices it may enrol: 1 to [`Claim::MAX_QUOTA`].
    pub quota: u32,
    /// When it begins to be good.
    pub opens_at: Timestamp,
    /// When it ends to be good.
    pub closes_at: Timestamp,
    /// The credential that the devices share; what is left out is made.
    pub credential: GivenPsk,
}

impl Fleet {
    /// Opens a claim. Its credential opens the bootstrap server alone.
    pub async fn add_claim(&self, context: &Context, new: NewClaim) -> Result<(Claim, Shown), FleetError> {
        self.demand(context, Permission::Administer, "add claim").await?;
        let NewClaim { name, class, quota, opens_at, closes_at, credential } = new;
        let name = named(&name, Claim::MAX_NAME)?;
        let invalid = |field, reason: &str| Err(FleetError::Invalid { field, reason: reason.to_owned() });
        if !(1..=Claim::MAX_QUOTA).contains(&quota) {
            return invalid("quota", "1 to 1 000 000 devices");
        }
        if closes_at <= opens_at {
            return invalid("closes at", "must be later than the moment it opens");
        }
        if closes_at <= context.now {
            return invalid("closes at", "must lie ahead");
        }
        self.class(class).await?;
        let claim = Claim {
            id: ClaimId(self.random_id()),
            public_id: PublicId::from_random(self.random()),
            name,
            class,
            quota,
            used: 0,
            opens_at,
            closes_at,
            closed: false,
            created_by: context.actor.name().to_owned(),
            created_at: context.now,
        };
        let psk = self.psk(credential, None).await?;
        let mut new = self.new_credential(context, Holder::Claim(claim.id), Purpose::Bootstrap, psk, None);
        // What is outside the window is told apart from a credential that is past its time.
        new.credential.valid_from = context.now.min(opens_at);
        let object = format!("{}: {quota} devices; {}", claim.name, name_of(&new.credential));
        let commit = Commit {
            changes: vec![Change::ClaimAdded(claim.clone()), Change::CredentialAdded(Box::new(new.clone()))],
            audit: vec![AuditEntry::by(context, Verb::AddClaim, None, object)],
        };
        self.commit_and_follow(commit, "claim").await?;
        Ok((claim, new.into()))
    }

    /// The claims, newest first.
    pub async fn claims(&self, context: &Context, page: &PageRequest) -> Result<Page<Claim>, FleetError> {
        self.demand(context, Permission::Administer, "claims").await?;
        Ok(self.store.claims(page).await?)
    }

    /// Closes a claim before its time. Its credential is revoked, and who is about to use it is cut off; the devices that
    /// it has enrolled stay.
    pub async fn close_claim(&self, context: &Context, id: PublicId) -> Result<(), FleetError> {
        self.demand(context, Permission::Administer, "close claim").await?;
        let claim = self.store.claim_by_public_id(id).await?.ok_or(FleetError::NotFound("claim"))?;
        let held = self.store.claim_credentials(claim.id).await?;
        let mut changes = vec![Change::ClaimClosed(claim.id)];
        changes.extend(held.iter().map(|credential| {
            let (id, state) = (credential.id, CredentialState::Revoked);
            Change::CredentialEnded { id, state, at: context.now }
        }));
        let audit = vec![AuditEntry::by(context, Verb::CloseClaim, None, claim.name)];
        self.store.commit(Commit { changes, audit }).await?;
        let ended: Vec<_> = held.iter().map(|credential| credential.id).collect();
        self.downlink.end_sessions(&ended).await;
        Ok(())
    }

    /// Lets the device of a [`DiaryCause::SecondClaim`] entry use its claim once more, within [`Claim::AGAIN_FOR`]. The
    /// entry is dealt with by that.
    pub async fn approve_claim(&self, context: &Context, id: DiaryId) -> Result<(), FleetError> {
        self.demand(context, Permission::Administer, "approve claim").await?;
        let entry = self.store.diary_entry(id).await?;
        let entry = entry.filter(|entry| entry.cause == DiaryCause::SecondClaim);
        let device = entry.and_then(|entry| entry.device).ok_or(FleetError::NotFound("second claim"))?;
        let device = self.enrolled(device).await?.device;
        let claimed = self.store.claimed_by(device.id).await?;
        let claimed = claimed.first().ok_or(FleetError::NotFound("second claim"))?;
        let until = context.now.after(Claim::AGAIN_FOR);
        let again = Change::ClaimAgain { claim: claimed.claim, device: device.id, until };
        let detail = format!("may use its claim once more: approved by {}", context.actor.name());
        let commit = Commit {
            changes: vec![
                again,
                Change::DiaryCleared(id),
                timeline(context, device.id, TimelineKind::Enrolment, &detail),
            ],
            audit: vec![AuditEntry::by(
                context,
                Verb::ApproveClaim,
                Some(device.id),
                device.endpoint.to_string(),
            )],
        };
        self.store.commit(commit).await.map_err(|error| taken(error, "approval"))?;
        Ok(())
    }
}

/// A name that a person gave to something, of 1 to `max` characters.
pub(super) fn named(text: &str, max: usize) -> Result<String, FleetError> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > max || name.chars().any(char::is_control) {
        let reason = format!("1 to {max} characters, none of them a control character");
        return Err(FleetError::Invalid { field: "name", reason });
    }
    Ok(name.to_owned())
}
