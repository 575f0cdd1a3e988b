//! Accounts and their sessions; tokens, object definitions, and requests that named themselves.

use fleet::{ApiToken, Role, StoreError, Submission, Timestamp, User, WebSession, store::StoredModel};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};

use super::Reader;
use crate::store::{
    encoding::{Word as _, people, rows, text_column},
    entity::{api_token, model, submission, user_account, web_session},
    sql::Sql,
};

#[derive(FromQueryResult)]
struct OwnerName {
    owner_name: String,
}

impl Reader {
    pub(in crate::store) async fn users(&self) -> Result<Vec<User>, StoreError> {
        let rows = self.all(user_account::Entity::find().order_by_asc(user_account::Column::Name)).await?;
        rows.into_iter().map(rows::user).collect()
    }

    pub(in crate::store) async fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        let query = user_account::Entity::find().filter(user_account::Column::Name.eq(text_column(name)));
        self.one(query).await?.map(rows::user).transpose()
    }

    pub(in crate::store) async fn has_administrator(&self) -> Result<bool, StoreError> {
        let query = user_account::Entity::find();
        let query = query.filter(user_account::Column::Role.eq(Role::Administrator.word()));
        Ok(self.checked(query.limit(1).count(&self.connection()).await)? > 0)
    }

    pub(in crate::store) async fn session(
        &self,
        key: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<WebSession>, StoreError> {
        let query = web_session::Entity::find_by_id(key.to_vec());
        let query = query.filter(web_session::Column::ExpiresAt.gt(now.0));
        self.one(query).await?.map(rows::session).transpose()
    }

    pub(in crate::store) async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        let sql = tokens().text(" ORDER BY t.created_at DESC, t.public_id");
        self.with_owners(sql).await
    }

    pub(in crate::store) async fn token(&self, hash: &[u8; 32]) -> Result<Option<ApiToken>, StoreError> {
        let sql = tokens().text(" WHERE t.hash = ").bind(hash.to_vec());
        Ok(self.with_owners(sql).await?.pop())
    }

    async fn with_owners(&self, sql: Sql) -> Result<Vec<ApiToken>, StoreError> {
        let rows: Vec<(api_token::Model, OwnerName)> = self.pairs(&self.connection(), sql).await?;
        rows.into_iter().map(|(row, OwnerName { owner_name })| people::token(row, &owner_name)).collect()
    }

    pub(in crate::store) async fn models(&self) -> Result<Vec<StoredModel>, StoreError> {
        let query = model::Entity::find().order_by_asc(model::Column::ObjectId);
        let query = query.order_by_asc(model::Column::Major).order_by_asc(model::Column::Minor);
        self.all(query).await?.into_iter().map(people::model).collect()
    }

    pub(in crate::store) async fn submission(
        &self,
        key: &[u8; 32],
    ) -> Result<Option<Submission>, StoreError> {
        self.one(submission::Entity::find_by_id(key.to_vec())).await?.map(people::submission).transpose()
    }
}

pub(in crate::store) fn tokens() -> Sql {
    Sql::new(
        "SELECT t.*, u.name AS owner_name FROM api_token AS t JOIN user_account AS u ON u.id = t.owner_id",
    )
}
