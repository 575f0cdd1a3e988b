//! The definitions of the OMA registry, read from the folder that `MUSTER_OMA_MODELS` names: all of them can be read, and
//! the ones this package ships agree with them. Without that variable both tests say so and check nothing.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Write},
    path::Path,
    time::Instant,
};

use objects::{
    ObjectId, ObjectModel, Registry, ResourceModel, Version,
    registry::ddf::{self, DdfError},
};

/// Files of the registry that define no object.
const NOT_DEFINITIONS: [&str; 3] = ["Common.xml", "DDF.xml", "LWM2M_senml_units.xml"];

#[test]
#[expect(clippy::disallowed_methods, reason = "the time it takes is reported, nothing depends on it")]
fn reads_every_oma_definition() {
    let Some(files) = files("reads_every_oma_definition") else { return };
    let mut registry = Registry::empty();
    let mut read = 0;
    let start = Instant::now();
    for (name, xml) in &files {
        let outcome = registry.load_ddf(xml);
        if NOT_DEFINITIONS.contains(&name.as_str()) {
            let refused = matches!(outcome, Err(DdfError::NoObject | DdfError::Root { .. }));
            assert!(refused, "{name}: {outcome:?}");
            continue;
        }
        let loaded = outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(loaded.len(), 1, "{name}");
        read += 1;
    }
    let took = start.elapsed();
    let resources: usize = registry.iter().map(|model| model.resources.len()).sum();
    let versions = registry.iter().count();
    say(&format!("read {read} files in {took:?}: {versions} objects and versions, {resources} resources"));
    assert!(versions > 400, "a whole registry has more than the {versions} found");
}

#[test]
fn what_is_shipped_agrees_with_the_oma_registry() {
    let Some(files) = files("what_is_shipped_agrees_with_the_oma_registry") else { return };
    let mut theirs = BTreeMap::new();
    for (name, xml) in files.iter().filter(|(name, _)| !NOT_DEFINITIONS.contains(&name.as_str())) {
        for model in ddf::parse(xml).unwrap_or_else(|error| panic!("{name}: {error}")) {
            theirs.insert((model.id, model.version), model);
        }
    }
    let core = Registry::core();
    let mut differences = Vec::new();
    let mut used = Vec::new();
    for ours in core.iter() {
        match theirs.get(&(ours.id, ours.version)) {
            Some(theirs) => compare(ours, theirs, &mut differences, &mut used),
            None => differences.push(format!("/{} {} is not in the registry", ours.id, ours.version)),
        }
    }
    let ids: Vec<ObjectId> = core.iter().map(|model| model.id).collect();
    for (id, version) in theirs.keys().filter(|(id, _)| ids.contains(id)) {
        if core.versions(*id).all(|ours| ours != *version) {
            differences.push(format!("/{id} {version} is missing here"));
        }
    }
    let unused: Vec<_> = DEVIATIONS.iter().filter(|deviation| !used.contains(deviation)).collect();
    assert!(unused.is_empty(), "deviations that are none: {unused:?}");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    say(&format!("{} objects and versions agree with the registry", core.iter().count()));
}

/// Where this package says something else than the registry's fields: (object, versions, resource, ours, theirs, why).
const DEVIATIONS: [Deviation; 11] = [
    (0, &["1.1"], 13, "", "s", "a number of a list has no unit; 1.2 took it back"),
    (0, &["1.1"], 15, "", "s", "a number of a list has no unit; 1.2 took it back"),
    (1, &["1.1"], 19, "s", "", "seconds by the description; 1.2 says so"),
    (3, &["1.1", "1.2"], 7, "mV", "", "by the description, as 1.0 said"),
    (3, &["1.1", "1.2"], 8, "mA", "", "by the description, as 1.0 said"),
    (3, &["1.1", "1.2"], 10, "KB", "", "by the description, as 1.0 said"),
    (3, &["1.0", "1.1", "1.2"], 21, "KB", "", "by the description, as resource 10"),
    (4, &["1.2"], 2, "dBm", "", "by the description, as all other versions say"),
    (4, &["1.0", "1.1"], 9, "", "%", "a network code is no share; 1.2 took it back"),
    (10, &["1.0"], 4, "PSM Timer", "PSM Timer (1)", "a mark of a footnote"),
    (10, &["1.0"], 5, "Active Timer", "Active Timer (1)", "a mark of a footnote"),
];

type Deviation = (u16, &'static [&'static str], u16, &'static str, &'static str, &'static str);

fn compare(
    ours: &ObjectModel,
    theirs: &ObjectModel,
    differences: &mut Vec<String>,
    used: &mut Vec<&Deviation>,
) {
    let at = format!("/{} {}", ours.id, ours.version);
    let mut differ = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            differences.push(format!("{at} {what}: ours `{ours}`, theirs `{theirs}`"));
        }
    };
    differ("name", ours.name.clone(), theirs.name.clone());
    differ("urn", ours.urn.clone(), theirs.urn.clone());
    differ("lwm2m version", ours.lwm2m_version.to_string(), theirs.lwm2m_version.to_string());
    differ("multiple", ours.multiple.to_string(), theirs.multiple.to_string());
    differ("mandatory", ours.mandatory.to_string(), theirs.mandatory.to_string());
    differ("resources", format!("{:?}", ours.resources.keys()), format!("{:?}", theirs.resources.keys()));
    for (id, resource) in &ours.resources {
        let Some(other) = theirs.resources.get(id) else { continue };
        let mut field = |what: &str, mine: &str, other: &str| {
            let known = deviation(ours.id, ours.version, id.0, mine, other);
            used.extend(known);
            if known.is_none() {
                differ(&format!("{id} {what}"), mine.to_owned(), other.to_owned());
            }
        };
        field("name", &resource.name, footnote_free(ours.id, &other.name));
        field("operations", &resource.operations.to_string(), &other.operations.to_string());
        field("multiple", &resource.multiple.to_string(), &other.multiple.to_string());
        field("mandatory", &resource.mandatory.to_string(), &other.mandatory.to_string());
        field("type", &format!("{:?}", resource.data_type), &format!("{:?}", other.data_type));
        field("range", &resource.range, &range(other));
        field("units", &resource.units, &other.units);
        let copied = !resource.description.is_empty()
            && other.description.to_lowercase().contains(&resource.description.to_lowercase());
        assert!(!copied, "{at} {id}: the description is a copy");
    }
}

fn deviation(
    object: ObjectId,
    version: Version,
    resource: u16,
    ours: &str,
    theirs: &str,
) -> Option<&'static Deviation> {
    let version = version.to_string();
    DEVIATIONS.iter().find(|(o, versions, r, mine, other, _)| {
        (*o, *r, *mine, *other) == (object.0, resource, ours, theirs) && versions.contains(&version.as_str())
    })
}

/// The eDRX parameters of /10 1.0 carry the mark of a footnote, too.
fn footnote_free(object: ObjectId, name: &str) -> &str {
    if object == ObjectId(10) && name.starts_with("eDRX") { name.trim_end_matches(" (1)") } else { name }
}

/// A range of theirs the way ours are written: older versions use words and hyphens for the same bounds.
fn range(theirs: &ResourceModel) -> String {
    let text = theirs.range.as_str();
    let plain = text.strip_suffix(" bytes").unwrap_or(text);
    let of_length = matches!(theirs.data_type, Some(objects::DataType::String));
    match text {
        "16-32-48 bytes" => "16,32,48".into(),
        "8 bit" => "0..255".into(),
        "16-bit" => "0..65535".into(),
        "1 bytes" => "0..255".into(),
        "2 bytes" => "0..65535".into(),
        _ if text.starts_with("The possible values") => String::new(),
        _ if of_length && plain != text && plain.parse::<u32>().is_ok() => format!("0..{plain}"),
        _ => plain.replace('-', ".."),
    }
}

/// Every XML file of the registry's folder, the older versions first, so that the current one of a version wins.
fn files(test: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let Some(folder) = env::var_os("MUSTER_OMA_MODELS") else {
        say(&format!(
            "SKIPPED {test}: MUSTER_OMA_MODELS names no folder with the OMA registry's definitions"
        ));
        return None;
    };
    let folder = Path::new(&folder);
    let unreadable = |error: io::Error, path: &Path| -> ! { panic!("{}: {error}", path.display()) };
    let mut files = Vec::new();
    for folder in [folder.join("version_history"), folder.to_owned()] {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| unreadable(error, &folder));
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "xml")) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, fs::read(path).unwrap_or_else(|error| unreadable(error, path))));
        }
    }
    Some(files)
}

/// Onto the standard error itself: what the macros print is only shown when a test fails.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
