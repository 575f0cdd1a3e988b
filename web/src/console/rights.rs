//! Access rights as a form: a row an Access Control instance, a group of boxes a server (LwM2M Core 1.1.1 §8, §E.3). Bootstrap
//! plans, baselines and the page of a device use it.

use std::collections::{BTreeMap, BTreeSet};

use fleet::access::{Guard, Right, Rights};
use objects::{InstanceId, ObjectId};

use crate::form::Fields;

/// One Access Control instance in a form.
pub(crate) struct RightsRow {
    /// What the names of its fields begin with, such as `rights.0`.
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) instance: String,
    pub(crate) object: String,
    /// The guarded instance; `new` for those that are still to be created.
    pub(crate) guarded: String,
    /// A short server id, or `bootstrap`.
    pub(crate) owner: String,
    pub(crate) servers: Vec<RightsOf>,
    /// The short server id of a server that is added.
    pub(crate) further: String,
    /// What should be known about it.
    pub(crate) notes: Vec<String>,
    pub(crate) problem: Option<String>,
    /// Whether what it guards can be said here, or only who may do what.
    pub(crate) guards: bool,
}

/// The boxes of one server.
pub(crate) struct RightsOf {
    /// The name of its boxes.
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) boxes: Vec<RightsBox>,
}

pub(crate) struct RightsBox {
    pub(crate) word: &'static str,
    pub(crate) means: &'static str,
    pub(crate) ticked: bool,
}

/// How many rows a form has that are still empty.
const EMPTY_ROWS: usize = 2;
/// What stands for no right at all.
const NOTHING: &str = "nothing";

/// What a server is called: this one, the others, or its number.
pub(crate) fn server_name(server: u16, own: u16) -> String {
    match server {
        Guard::OTHERS => "All others".to_owned(),
        server if server == own => format!("This server ({server})"),
        server => format!("Server {server}"),
    }
}

/// What a guard is about, in words.
pub(crate) fn guarded_name(guard: &Guard, object_name: impl Fn(ObjectId) -> String) -> String {
    match (guard.object, guard.guarded) {
        (Some(object), _) if guard.creates() => {
            format!("New instances of {} (/{object})", object_name(object))
        }
        (Some(object), Some(instance)) => format!("{} (/{object}/{instance})", object_name(object)),
        _ => "Not known yet".to_owned(),
    }
}

/// The rows of a form: those that there are, and some that are empty. `guards` says whether what they guard is in it.
pub(crate) fn rows(known: &[Guard], own: u16, guards: bool) -> Vec<RightsRow> {
    let empty = (0..EMPTY_ROWS).map(|_| None);
    let all = known.iter().map(Some).chain(empty);
    all.enumerate().map(|(number, guard)| row(number, guard, own, guards)).collect()
}

/// One row, filled or empty.
pub(crate) fn row(number: usize, guard: Option<&Guard>, own: u16, guards: bool) -> RightsRow {
    let name = format!("rights.{number}");
    let named = guard.map(|guard| guard.rights.clone()).unwrap_or_default();
    let servers: BTreeSet<u16> = named.keys().copied().chain([own, Guard::OTHERS]).collect();
    let text = |number: Option<u16>| number.map(|number| number.to_string()).unwrap_or_default();
    let mut servers: Vec<RightsOf> = servers
        .into_iter()
        .map(|server| {
            let name = format!("{name}.s{server}");
            RightsOf { name, label: server_name(server, own), boxes: boxes(named.get(&server).copied()) }
        })
        .collect();
    servers.push(RightsOf {
        name: format!("{name}.snew"),
        label: "That further server".to_owned(),
        boxes: boxes(None),
    });
    let notes = guard.map(|guard| notes(guard, own, guards)).unwrap_or_default();
    RightsRow {
        title: guard
            .map_or_else(|| "One more".to_owned(), |guard| format!("Access rights /2/{}", guard.instance)),
        instance: guard.map(|guard| guard.instance.to_string()).unwrap_or_default(),
        object: guard.map(|guard| text(guard.object.map(|object| object.0))).unwrap_or_default(),
        guarded: guard.map(guarded).unwrap_or_default(),
        owner: guard.map(owner).unwrap_or_default(),
        servers,
        further: String::new(),
        notes,
        problem: None,
        guards,
        name,
    }
}

/// The rows as they were typed, with what is wrong with each.
pub(crate) fn typed(
    fields: &Fields,
    problems: &BTreeMap<usize, String>,
    own: u16,
    guards: bool,
) -> Vec<RightsRow> {
    numbers(fields)
        .into_iter()
        .map(|number| {
            let mut row = row(number, None, own, guards);
            let text = |part: &str| fields.text(&format!("{}.{part}", row.name)).to_owned();
            (row.instance, row.object, row.guarded) = (text("instance"), text("object"), text("guarded"));
            (row.owner, row.further) = (text("owner"), text("new"));
            if !row.instance.is_empty() {
                row.title = format!("Access rights /2/{}", row.instance);
            }
            row.servers = servers_of(fields, number, own)
                .into_iter()
                .map(|(name, label)| {
                    let ticked: Vec<&str> = fields.texts(&name).collect();
                    let mut boxes = boxes(None);
                    boxes.iter_mut().for_each(|one| one.ticked = ticked.contains(&one.word));
                    RightsOf { name, label, boxes }
                })
                .collect();
            row.problem = problems.get(&number).cloned();
            row
        })
        .collect()
}

/// Reads the rows. Those without an instance and without a box that is ticked are left out; the errors are by row.
pub(crate) fn read(fields: &Fields, guards: bool) -> Result<Vec<Guard>, BTreeMap<usize, String>> {
    let (mut read, mut problems) = (Vec::<Guard>::new(), BTreeMap::new());
    for number in numbers(fields) {
        match read_row(fields, number, guards) {
            Ok(None) => {}
            Ok(Some(guard)) if read.iter().any(|other| other.instance == guard.instance) => {
                problems.insert(number, format!("/2/{} is there twice.", guard.instance));
            }
            Ok(Some(guard)) => read.push(guard),
            Err(problem) => drop(problems.insert(number, problem)),
        }
    }
    if problems.is_empty() { Ok(read) } else { Err(problems) }
}

fn read_row(fields: &Fields, number: usize, guards: bool) -> Result<Option<Guard>, String> {
    let text = |part: &str| fields.text(&format!("rights.{number}.{part}")).trim().to_owned();
    let mut rights = BTreeMap::new();
    for (name, _) in servers_of(fields, number, Guard::OTHERS) {
        let words: Vec<&str> = fields.texts(&name).filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            continue;
        }
        let server = match name.rsplit_once(".s").map(|(_, server)| server) {
            Some("new") => short_server_id(&text("new"))
                .ok_or("give the further server its short server id, 1 to 65534")?,
            Some(server) => server.parse().map_err(|_| "that is no short server id".to_owned())?,
            None => continue,
        };
        if words.contains(&NOTHING) && words.len() > 1 {
            return Err(format!(
                "{}: tick nothing alone, or what it may do.",
                server_name(server, Guard::OTHERS)
            ));
        }
        let rights_of = Rights::parse(&words.join(" ")).ok_or("there is no such right")?;
        if rights.insert(server, rights_of).is_some() {
            return Err(format!("The server {server} is there twice."));
        }
    }
    let instance = text("instance");
    if instance.is_empty() && rights.is_empty() && text("object").is_empty() {
        return Ok(None);
    }
    let instance = id(&instance).ok_or("Number the Access Control instance, 0 to 65534.")?;
    let owner = match text("owner").as_str() {
        "" => None,
        "bootstrap" => Some(Guard::BOOTSTRAP),
        owner => {
            Some(short_server_id(owner).ok_or("The owner is a short server id, 1 to 65534, or bootstrap.")?)
        }
    };
    let mut guard = Guard { rights, owner, ..Guard::new(InstanceId(instance)) };
    if guards {
        guard.object =
            Some(ObjectId(id(&text("object")).ok_or("Say of which object: its number, such as 3.")?));
        guard.guarded = match text("guarded").as_str() {
            "new" => Some(Guard::CREATES),
            guarded => Some(
                id(guarded).ok_or("Say which instance: its number, or new for those still to be created.")?,
            ),
        };
        if guard.owner.is_none() {
            return Err("Say whose it is: a short server id, or bootstrap.".to_owned());
        }
    } else if guard.owner.is_none() && guard.rights.is_empty() {
        return Ok(None);
    }
    Ok(Some(guard))
}

/// What should be known about rights, in words.
pub(crate) fn notes(guard: &Guard, own: u16, guards: bool) -> Vec<String> {
    use fleet::access::AccessNote;
    let notes = guard.notes(own).into_iter();
    // Where it is not said what is guarded, and whose it is, nothing can be said about that.
    let notes =
        notes.filter(|note| guards || !matches!(note, AccessNote::Unknown | AccessNote::LockedOut { .. }));
    notes.map(|note| crate::console::sentence(&note)).collect()
}

/// As lines of a baseline: what a server may write of an instance.
pub(crate) fn lines(guard: &Guard) -> String {
    let written = guard.values().into_iter().filter(|(path, _)| path.resource().is_some_and(|id| id.0 >= 2));
    written.map(|(path, value)| format!("{path} = {value}\n")).collect()
}

/// Whose it is, as it is typed.
pub(crate) fn owner(guard: &Guard) -> String {
    match guard.owner {
        None => String::new(),
        Some(Guard::BOOTSTRAP) => "bootstrap".to_owned(),
        Some(owner) => owner.to_string(),
    }
}

fn guarded(guard: &Guard) -> String {
    match guard.guarded {
        None => String::new(),
        Some(Guard::CREATES) => "new".to_owned(),
        Some(guarded) => guarded.to_string(),
    }
}

fn boxes(rights: Option<Rights>) -> Vec<RightsBox> {
    let mut boxes: Vec<RightsBox> = Right::ALL
        .map(|right| RightsBox {
            word: right.word(),
            means: right.means(),
            ticked: rights.is_some_and(|rights| rights.has(right)),
        })
        .into();
    let means =
        "Nothing at all: without any box ticked it has what the others have, or all if it is the owner";
    boxes.push(RightsBox { word: NOTHING, means, ticked: rights == Some(Rights::NONE) });
    boxes
}

/// The names of the boxes of a row, with what the servers are called.
fn servers_of(fields: &Fields, number: usize, own: u16) -> Vec<(String, String)> {
    let begins = format!("rights.{number}.s");
    let named = fields.names().filter_map(|name| name.strip_prefix(&begins)?.parse::<u16>().ok());
    let servers: BTreeSet<u16> = named.chain([own, Guard::OTHERS]).collect();
    let servers = servers.into_iter().map(|server| (format!("{begins}{server}"), server_name(server, own)));
    servers.chain([(format!("{begins}new"), "That further server".to_owned())]).collect()
}

fn numbers(fields: &Fields) -> BTreeSet<usize> {
    let number = |name: &str| name.strip_prefix("rights.")?.split('.').next()?.parse().ok();
    fields.names().filter_map(number).collect()
}

fn id(text: &str) -> Option<u16> {
    text.parse().ok().filter(|id| *id != u16::MAX)
}

fn short_server_id(text: &str) -> Option<u16> {
    id(text).filter(|id| *id != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(texts: &[(&str, &str)]) -> Fields {
        Fields::of_texts(texts.iter().copied())
    }

    #[test]
    fn what_is_ticked_is_what_is_written() {
        let form = fields(&[
            ("rights.0.instance", "4"),
            ("rights.0.object", "3"),
            ("rights.0.guarded", "0"),
            ("rights.0.owner", "123"),
            ("rights.0.s123", "read"),
            ("rights.0.s123", "write"),
            ("rights.0.s0", "nothing"),
            ("rights.0.new", "7"),
            ("rights.0.snew", "execute"),
            ("rights.1.instance", "5"),
            ("rights.1.object", "3303"),
            ("rights.1.guarded", "new"),
            ("rights.1.owner", "bootstrap"),
            ("rights.1.s123", "create"),
            ("rights.2.instance", ""),
        ]);
        let guards = read(&form, true).unwrap();
        let values: Vec<String> =
            guards.iter().flat_map(Guard::values).map(|(path, value)| format!("{path}={value}")).collect();
        assert_eq!(
            values,
            [
                "/2/4/0=3",
                "/2/4/1=0",
                "/2/4/2/0=0",
                "/2/4/2/7=4",
                "/2/4/2/123=3",
                "/2/4/3=123",
                "/2/5/0=3303",
                "/2/5/1=65535",
                "/2/5/2/123=16",
                "/2/5/3=65535"
            ]
        );
        assert_eq!(guards[0].notes(123), []);
    }

    #[test]
    fn a_row_that_was_filled_is_read_back() {
        let form = fields(&[
            ("rights.0.instance", "4"),
            ("rights.0.object", "5"),
            ("rights.0.guarded", "new"),
            ("rights.0.owner", "bootstrap"),
            ("rights.0.s9", "create"),
        ]);
        let guards = read(&form, true).unwrap();
        let shown = row(0, guards.first(), 123, true);
        assert_eq!((shown.guarded.as_str(), shown.owner.as_str()), ("new", "bootstrap"));
        let of: Vec<&str> = shown.servers.iter().map(|server| server.label.as_str()).collect();
        assert_eq!(of, ["All others", "Server 9", "This server (123)", "That further server"]);
        let again = typed(&form, &BTreeMap::from([(0, "No.".to_owned())]), 123, true);
        assert_eq!((again[0].guarded.as_str(), again[0].problem.as_deref()), ("new", Some("No.")));
        assert!(again[0].servers.iter().any(|of| of.name == "rights.0.s9" && of.boxes[4].ticked));
    }

    #[test]
    fn what_is_wrong_is_said_by_row() {
        for (part, value, expected) in [
            ("instance", "x", "Number the Access Control instance"),
            ("object", "", "of which object"),
            ("guarded", "65535", "new for those"),
            ("owner", "", "whose it is"),
            ("owner", "0", "short server id"),
            ("s123", "nothing", "tick nothing alone"),
            ("snew", "read", "further server"),
        ] {
            let mut texts = vec![
                ("rights.3.instance".to_owned(), "1"),
                ("rights.3.object".to_owned(), "3"),
                ("rights.3.guarded".to_owned(), "0"),
                ("rights.3.owner".to_owned(), "123"),
                ("rights.3.s123".to_owned(), "read"),
            ];
            let name = format!("rights.3.{part}");
            if part.starts_with('s') {
                texts.push((name, value));
            } else {
                texts.iter_mut().filter(|(known, _)| *known == name).for_each(|known| known.1 = value);
            }
            let form = Fields::of_texts(texts.iter().map(|(name, value)| (name.as_str(), *value)));
            let problems = read(&form, true).unwrap_err();
            assert!(problems[&3].contains(expected), "{part}: {problems:?}");
        }
    }
}
