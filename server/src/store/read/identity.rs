//! Credentials, claims, classes, plans and bootstrap sessions. Here secrets are opened.

use fleet::{
    BootstrapId, BootstrapRecord, Claim, ClaimId, Claimed, Class, Credential, CredentialId, CredentialName,
    DeviceId, DomainId, EndpointName, Plan, PlanScope, PublicId, Secret, StoreError,
    store::{Known, Page, PageRequest},
};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select, Value,
};
use zeroize::Zeroizing;

use super::{
    Reader,
    lists::{cut, with_one_more},
};
use crate::store::{
    cursor::{self, Position},
    encoding::{OrCorrupt as _, Word as _, bootstrap, identity, rows},
    entity::{bootstrap_session, claim, claimed, class, class_plan, credential, device, device_plan},
    sql::{Sql, chunk},
};

impl Reader {
    pub(in crate::store) async fn credential_by_name(
        &self,
        name: &CredentialName,
    ) -> Result<Option<(Credential, Secret)>, StoreError> {
        let rows: Vec<credential::Model> = self.rows(&self.connection(), by_name(name)).await?;
        rows.into_iter().next().map(|row| self.opened(row)).transpose()
    }

    pub(in crate::store) async fn credentials_by_names(
        &self,
        names: &[CredentialName],
    ) -> Result<Vec<(Credential, Secret)>, StoreError> {
        let mut found = Vec::new();
        for names in names.chunks(chunk(2)) {
            let rows: Vec<credential::Model> = self.rows(&self.connection(), by_names(names)).await?;
            found.extend(rows.into_iter().map(|row| self.opened(row)).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(found)
    }

    pub(in crate::store) async fn credential(&self, id: PublicId) -> Result<Option<Credential>, StoreError> {
        let query = credential::Entity::find();
        let query = query.filter(credential::Column::PublicId.eq(id.0.as_bytes().to_vec()));
        self.one(query).await?.map(identity::credential).transpose()
    }

    pub(in crate::store) async fn credential_row(
        &self,
        id: CredentialId,
    ) -> Result<Option<(Credential, Secret)>, StoreError> {
        self.one(credential::Entity::find_by_id(id.0)).await?.map(|row| self.opened(row)).transpose()
    }

    pub(in crate::store) async fn credentials(
        &self,
        device: DeviceId,
    ) -> Result<Vec<Credential>, StoreError> {
        let rows = self.all(newest_credentials(credential::Column::DeviceId, device.0)).await?;
        rows.into_iter().map(identity::credential).collect()
    }

    pub(in crate::store) async fn claim_credentials(
        &self,
        claim: ClaimId,
    ) -> Result<Vec<Credential>, StoreError> {
        let rows = self.all(newest_credentials(credential::Column::ClaimId, claim.0)).await?;
        rows.into_iter().map(identity::credential).collect()
    }

    pub(in crate::store) async fn enrolled(
        &self,
        endpoints: &[EndpointName],
        names: &[CredentialName],
    ) -> Result<Known, StoreError> {
        let snapshot = self.snapshot().await?;
        let mut known = Known::default();
        for endpoints in endpoints.chunks(chunk(1)) {
            let rows: Vec<device::Model> = self.rows(&snapshot, devices_named(endpoints)).await?;
            let devices = rows.into_iter().map(rows::device).collect::<Result<Vec<_>, _>>()?;
            known.devices.extend(devices);
        }
        for names in names.chunks(chunk(2)) {
            let rows: Vec<credential::Model> = self.rows(&snapshot, by_names(names)).await?;
            // One that can't be opened was said so in the log; the others are found all the same.
            known.credentials.extend(rows.into_iter().filter_map(|row| self.opened(row).ok()));
        }
        Ok(known)
    }

    pub(in crate::store) async fn claims(&self, page: &PageRequest) -> Result<Page<Claim>, StoreError> {
        let after = cursor::after(page.after.as_ref(), |position| match position {
            Position::Claim { created_at, claim } => Some((created_at, claim)),
            _ => None,
        })?;
        let rows: Vec<claim::Model> = self.rows(&self.connection(), claims(after, page.rows())).await?;
        let rows = rows.into_iter().map(identity::claim).collect::<Result<_, _>>()?;
        Ok(cut(rows, page, |claim: &Claim| Position::Claim {
            created_at: claim.created_at.0,
            claim: claim.id.0,
        }))
    }

    pub(in crate::store) async fn claim(&self, id: ClaimId) -> Result<Option<Claim>, StoreError> {
        self.one(claim::Entity::find_by_id(id.0)).await?.map(identity::claim).transpose()
    }

    pub(in crate::store) async fn claim_by_public_id(
        &self,
        id: PublicId,
    ) -> Result<Option<Claim>, StoreError> {
        let query = claim::Entity::find().filter(claim::Column::PublicId.eq(id.0.as_bytes().to_vec()));
        self.one(query).await?.map(identity::claim).transpose()
    }

    pub(in crate::store) async fn claimed_by(&self, device: DeviceId) -> Result<Vec<Claimed>, StoreError> {
        let query = claimed::Entity::find().filter(claimed::Column::DeviceId.eq(device.0));
        let query = query.order_by_desc(claimed::Column::At).order_by_desc(claimed::Column::ClaimId);
        self.all(query).await?.into_iter().map(identity::claimed).collect()
    }

    pub(in crate::store) async fn claimed(
        &self,
        claim: ClaimId,
        endpoint: &EndpointName,
    ) -> Result<Option<Claimed>, StoreError> {
        let query = claimed::Entity::find_by_id((claim.0, endpoint.as_str().to_owned()));
        self.one(query).await?.map(identity::claimed).transpose()
    }

    pub(in crate::store) async fn classes(&self) -> Result<Vec<Class>, StoreError> {
        let rows = self.all(class::Entity::find().order_by_asc(class::Column::Name)).await?;
        rows.into_iter().map(identity::class).collect()
    }

    pub(in crate::store) async fn plan(&self, scope: PlanScope) -> Result<Option<Plan>, StoreError> {
        let column = match scope {
            PlanScope::Class(class) => {
                self.one(class_plan::Entity::find_by_id(class.0)).await?.map(|row| row.plan)
            }
            PlanScope::Device(device) => {
                self.one(device_plan::Entity::find_by_id(device.0)).await?.map(|row| row.plan)
            }
        };
        column.map(|column| bootstrap::plan(&column).or_corrupt("bootstrap plan")).transpose()
    }

    pub(in crate::store) async fn bootstraps(
        &self,
        device: DeviceId,
    ) -> Result<Vec<BootstrapRecord>, StoreError> {
        let rows = self.all(bootstraps(device)).await?;
        rows.into_iter().map(bootstrap::record).collect()
    }

    pub(in crate::store) async fn bootstrap(
        &self,
        id: BootstrapId,
    ) -> Result<Option<BootstrapRecord>, StoreError> {
        let query = bootstrap_session::Entity::find_by_id(id.0.as_bytes().to_vec());
        self.one(query).await?.map(bootstrap::record).transpose()
    }

    /// The row with its secret. One that does not open says so in the log and is the only one that is not there.
    fn opened(&self, mut row: credential::Model) -> Result<(Credential, Secret), StoreError> {
        let sealed = std::mem::take(&mut row.sealed);
        let credential = identity::credential(row)?;
        let secret = match sealed.is_empty() {
            // The device's alone, or deleted with it.
            true => Secret::None,
            false => {
                let plain = self.open(credential.id.0, &sealed, "credential")?;
                Secret::from_bytes(credential.kind, &plain).or_corrupt("credential")?
            }
        };
        Ok((credential, secret))
    }

    pub(super) fn open(
        &self,
        row: i64,
        sealed: &[u8],
        what: &'static str,
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.open_in("", row, sealed, what)
    }

    pub(super) fn open_in(
        &self,
        table: &str,
        row: i64,
        sealed: &[u8],
        what: &'static str,
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.sealer.open_in(table, row, sealed).map_err(|error| {
            tracing::error!(row, %error, "the secret of a {what} can't be opened");
            StoreError::Corrupt { what }
        })
    }
}

/// The same for many at a time.
pub(in crate::store) fn by_names(names: &[CredentialName]) -> Sql {
    let rows = names.iter().map(|name| -> [Value; 2] { [name.kind().word().into(), name.to_bytes().into()] });
    Sql::new("SELECT c.* FROM ").rows(rows).text(
        " AS k CROSS JOIN credential AS c WHERE c.id = COALESCE(\
         (SELECT id FROM credential WHERE kind = k.column1 AND identity = k.column2 AND state IN ('staged', 'live')), \
         (SELECT id FROM credential WHERE kind = k.column1 AND identity = k.column2 AND state IN ('retired', 'revoked') \
         ORDER BY created_at DESC, id DESC LIMIT 1))",
    )
}

pub(in crate::store) fn devices_named(endpoints: &[EndpointName]) -> Sql {
    let rows = endpoints.iter().map(|endpoint| -> [Value; 1] { [endpoint.as_str().into()] });
    let sql =
        Sql::new("SELECT d.* FROM ").rows(rows).text(" AS k CROSS JOIN device AS d WHERE d.domain_id = ");
    sql.bind(DomainId::ROOT.0).text(" AND d.endpoint = k.column1")
}

/// The one that opens sessions, or else the newest that did: each through an index of its own, whose condition stands here
/// word for word.
pub(in crate::store) fn by_name(name: &CredentialName) -> Sql {
    let named = |sql: Sql| {
        let sql = sql.text("(SELECT id FROM credential WHERE kind = ").bind(name.kind().word());
        sql.text(" AND identity = ").bind(name.to_bytes())
    };
    let sql = named(Sql::new("SELECT * FROM credential WHERE id = COALESCE("));
    let sql = named(sql.text(" AND state IN ('staged', 'live')), "));
    sql.text(" AND state IN ('retired', 'revoked') ORDER BY created_at DESC, id DESC LIMIT 1))")
}

pub(in crate::store) fn newest_credentials(
    holder: credential::Column,
    id: i64,
) -> Select<credential::Entity> {
    let query = credential::Entity::find().filter(holder.eq(id));
    query.order_by_desc(credential::Column::CreatedAt).order_by_desc(credential::Column::Id)
}

pub(in crate::store) fn claims(after: Option<(i64, i64)>, rows: usize) -> Sql {
    let sql = Sql::new("SELECT * FROM claim");
    let sql = match after {
        None => sql,
        Some((created_at, claim)) => {
            sql.text(" WHERE (created_at, id) < (").bind(created_at).text(", ").bind(claim).text(")")
        }
    };
    sql.text(&format!(" ORDER BY created_at DESC, id DESC LIMIT {}", with_one_more(rows)))
}

pub(in crate::store) fn bootstraps(device: DeviceId) -> Select<bootstrap_session::Entity> {
    let query = bootstrap_session::Entity::find().filter(bootstrap_session::Column::DeviceId.eq(device.0));
    query.order_by_desc(bootstrap_session::Column::Id).limit(BootstrapRecord::PER_DEVICE as u64)
}
