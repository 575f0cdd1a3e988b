//! What the fuzz targets check, on the seeds that are kept beside them: one target, one module, one folder of seeds.

use std::{fs, path::PathBuf};

use objects::ContentFormat;

#[path = "../fuzz/checks/attributes.rs"]
mod attributes;
#[path = "../fuzz/checks/codec.rs"]
mod codec;
#[path = "../fuzz/checks/ddf.rs"]
mod ddf;
#[path = "../fuzz/checks/discovered.rs"]
mod discovered;
#[path = "../fuzz/checks/link.rs"]
mod link;

#[test]
fn seeds_of_attributes() {
    replay("attributes", attributes::check);
}

#[test]
fn seeds_of_definition_files() {
    replay("ddf", ddf::check);
}

#[test]
fn seeds_of_discover_answers() {
    replay("discovered", discovered::check);
}

#[test]
fn seeds_of_register_payloads() {
    replay("link", link::check);
}

#[test]
fn seeds_of_text() {
    replay("text", |bytes| codec::check(ContentFormat::TEXT, bytes));
}

#[test]
fn seeds_of_opaque() {
    replay("opaque", |bytes| codec::check(ContentFormat::OPAQUE, bytes));
}

#[test]
fn seeds_of_cbor() {
    replay("cbor", |bytes| codec::check(ContentFormat::CBOR, bytes));
}

#[test]
fn seeds_of_tlv() {
    replay("tlv", |bytes| codec::check(ContentFormat::TLV, bytes));
}

#[test]
fn seeds_of_senml_json() {
    replay("senml_json", |bytes| codec::check(ContentFormat::SENML_JSON, bytes));
}

#[test]
fn seeds_of_senml_cbor() {
    replay("senml_cbor", |bytes| codec::check(ContentFormat::SENML_CBOR, bytes));
}

#[test]
fn seeds_of_lwm2m_cbor() {
    replay("lwm2m_cbor", |bytes| codec::check(ContentFormat::LWM2M_CBOR, bytes));
}

#[test]
fn seeds_of_lwm2m_json() {
    replay("lwm2m_json", |bytes| codec::check(ContentFormat::LWM2M_JSON, bytes));
}

fn replay(target: &str, check: fn(&[u8])) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let seeds = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut count = 0;
    for seed in seeds.flatten() {
        check(&fs::read(seed.path()).unwrap_or_else(|error| panic!("{}: {error}", seed.path().display())));
        count += 1;
    }
    assert!(count > 0, "{} holds no seed", folder.display());
}
