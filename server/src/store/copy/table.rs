//! One table: its rows page by page in the order of its key, and a sum over them that does not depend on where they are kept.

use std::fmt;

use sea_orm::{
    ActiveModelTrait, ConnectionTrait as _, DatabaseTransaction, DbErr, EntityTrait, FromQueryResult as _,
    IdenStatic as _, Insert, IntoActiveModel, Iterable as _, ModelTrait, PrimaryKeyToColumn as _, Value,
};
use sha2::{Digest as _, Sha256};

use crate::store::sql::{Sql, chunk};

/// How many rows are in memory at one time.
const PAGE: usize = 500;

/// How many rows there are, and the sum of their hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    rows: u64,
    hashes: [u64; 4],
}

pub(super) async fn copy<E>(
    from: &DatabaseTransaction,
    to: &DatabaseTransaction,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Sum, DbErr>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
{
    let (mut sum, mut last) = (Sum::default(), None);
    loop {
        let rows = page::<E>(from, last.as_ref()).await?;
        let Some(end) = rows.last() else { return Ok(sum) };
        last = Some(end.clone());
        for row in &rows {
            sum.add::<E>(row)?;
        }
        progress(sum.rows);
        Insert::<E::ActiveModel>::many(rows).exec_without_returning(to).await?;
    }
}

pub(super) async fn sum<E: EntityTrait>(of: &DatabaseTransaction) -> Result<Sum, DbErr> {
    let (mut sum, mut last) = (Sum::default(), None);
    loop {
        let rows = page::<E>(of, last.as_ref()).await?;
        let Some(end) = rows.last() else { return Ok(sum) };
        for row in &rows {
            sum.add::<E>(row)?;
        }
        last = Some(end.clone());
    }
}

async fn page<E: EntityTrait>(
    of: &DatabaseTransaction,
    after: Option<&E::Model>,
) -> Result<Vec<E::Model>, DbErr> {
    let key: Vec<E::Column> = E::PrimaryKey::iter().map(|part| part.into_column()).collect();
    let names: Vec<&str> = key.iter().map(|column| column.as_str()).collect();
    let names = names.join(", ");
    let mut sql = Sql::new("SELECT * FROM ").text(E::default().table_name());
    if let Some(row) = after {
        sql = sql.text(" WHERE (").text(&names).text(") > ");
        sql = sql.list(key.iter().map(|column| row.get(*column)));
    }
    let rows = i64::try_from(PAGE.min(chunk(E::Column::iter().count()))).unwrap_or(1);
    sql = sql.text(" ORDER BY ").text(&names).text(" LIMIT ").bind(rows);
    let rows = of.query_all_raw(sql.statement(of.get_database_backend())).await?;
    rows.iter().map(|row| E::Model::from_query_result(row, "")).collect()
}

impl Sum {
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    fn add<E: EntityTrait>(&mut self, row: &E::Model) -> Result<(), DbErr> {
        let mut hash = Sha256::new();
        for column in E::Column::iter() {
            // The type, the length and the bytes: no two rows that differ are written alike.
            let (kind, bytes): (u8, Vec<u8>) = match row.get(column) {
                Value::BigInt(None) | Value::String(None) | Value::Bytes(None) => (0, Vec::new()),
                Value::BigInt(Some(number)) => (1, number.to_be_bytes().to_vec()),
                Value::String(Some(text)) => (2, text.into_bytes()),
                Value::Bytes(Some(bytes)) => (3, bytes),
                other => return Err(DbErr::Custom(format!("a column has a type of its own: {other:?}"))),
            };
            hash.update([kind]);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        let hash: [u8; 32] = hash.finalize().into();
        for (sum, part) in self.hashes.iter_mut().zip(hash.as_chunks::<8>().0) {
            *sum = sum.wrapping_add(u64::from_be_bytes(*part));
        }
        self.rows += 1;
        Ok(())
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hashes.iter().try_for_each(|part| write!(f, "{part:016x}"))
    }
}
