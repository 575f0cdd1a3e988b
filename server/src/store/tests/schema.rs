//! The migrated schema is what the entities say.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait as _, ColumnType, ConnectionTrait as _, DbBackend, EntityTrait, Iden as _, Iterable as _,
    PrimaryKeyToColumn as _, Statement,
};

use super::fixture::open;
use crate::store::{SqlStore, entity};

/// A column: its type, whether it may be null, its place in the primary key.
type Columns = BTreeMap<String, (String, bool, i64)>;

#[tokio::test]
async fn the_migrated_schema_and_the_entities_agree() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    let mut tables = tables(&store).await;
    tables.remove("seaql_migrations").expect("sea-orm has made it");
    let entities = BTreeMap::from([
        columns::<entity::api_token::Entity>(),
        columns::<entity::artefact::Entity>(),
        columns::<entity::audit::Entity>(),
        columns::<entity::authority::Entity>(),
        columns::<entity::baseline::Entity>(),
        columns::<entity::bootstrap_session::Entity>(),
        columns::<entity::claim::Entity>(),
        columns::<entity::claimed::Entity>(),
        columns::<entity::class::Entity>(),
        columns::<entity::class_contested::Entity>(),
        columns::<entity::class_plan::Entity>(),
        columns::<entity::class_rule::Entity>(),
        columns::<entity::class_awake::Entity>(),
        columns::<entity::class_wish::Entity>(),
        columns::<entity::configured::Entity>(),
        columns::<entity::configured_tally::Entity>(),
        columns::<entity::credential::Entity>(),
        columns::<entity::delivery::Entity>(),
        columns::<entity::device::Entity>(),
        columns::<entity::device_group::Entity>(),
        columns::<entity::device_label::Entity>(),
        columns::<entity::device_plan::Entity>(),
        columns::<entity::device_update::Entity>(),
        columns::<entity::device_awake::Entity>(),
        columns::<entity::device_wish::Entity>(),
        columns::<entity::diary::Entity>(),
        columns::<entity::domain::Entity>(),
        columns::<entity::dtls_session::Entity>(),
        columns::<entity::event_log::Entity>(),
        columns::<entity::group_member::Entity>(),
        columns::<entity::installed::Entity>(),
        columns::<entity::lease::Entity>(),
        columns::<entity::model::Entity>(),
        columns::<entity::no_composite::Entity>(),
        columns::<entity::node::Entity>(),
        columns::<entity::observation::Entity>(),
        columns::<entity::operation::Entity>(),
        columns::<entity::own_key::Entity>(),
        columns::<entity::registration::Entity>(),
        columns::<entity::seen_certificate::Entity>(),
        columns::<entity::submission::Entity>(),
        columns::<entity::tally::Entity>(),
        columns::<entity::timeline::Entity>(),
        columns::<entity::update_key::Entity>(),
        columns::<entity::update_policy::Entity>(),
        columns::<entity::update_tally::Entity>(),
        columns::<entity::user_account::Entity>(),
        columns::<entity::value_history::Entity>(),
        columns::<entity::value_latest::Entity>(),
        columns::<entity::web_session::Entity>(),
        columns::<entity::webhook::Entity>(),
    ]);
    assert_eq!(tables, entities);
    store.close().await;
}

async fn tables(store: &SqlStore) -> BTreeMap<String, Columns> {
    let sql = "SELECT t.name, c.name, c.type, c.\"notnull\", c.pk FROM sqlite_schema AS t, pragma_table_info(t.name) AS c \
               WHERE t.type = 'table'";
    let rows = store
        .reader
        .connection()
        .query_all_raw(Statement::from_string(DbBackend::Sqlite, sql))
        .await
        .unwrap();
    let mut tables: BTreeMap<String, Columns> = BTreeMap::new();
    for row in rows {
        let text = |index: usize| row.try_get_by_index::<String>(index).unwrap();
        let number = |index: usize| row.try_get_by_index::<i64>(index).unwrap();
        tables.entry(text(0)).or_default().insert(text(1), (text(2), number(3) == 0, number(4)));
    }
    tables
}

fn columns<E: EntityTrait>() -> (String, Columns) {
    let key: Vec<String> = E::PrimaryKey::iter().map(|part| part.into_column().to_string()).collect();
    let columns = E::Column::iter().map(|column| {
        let (name, definition) = (column.to_string(), column.def());
        let kind = match definition.get_column_type() {
            ColumnType::BigInteger => "INTEGER",
            ColumnType::String(_) => "TEXT",
            ColumnType::Blob | ColumnType::VarBinary(_) | ColumnType::Binary(_) => "BLOB",
            other => panic!("{other:?}"),
        };
        let place =
            key.iter().position(|part| *part == name).map_or(0, |place| i64::try_from(place).unwrap() + 1);
        (name, (kind.to_owned(), definition.is_null(), place))
    });
    (E::default().table_name().to_owned(), columns.collect())
}
