//! Access rights (`/2`) as what they mean, the twin of the server account: LwM2M Core 1.1.1 §8 and Appendix E.3.

use fleet::{
    FleetError,
    access::AccessTable,
    configuration::{Line, Want},
};

use crate::{
    console::rights::{self, RightsRow},
    form::Fields,
};

/// The rows, with what the lines say, or as they were typed.
pub(super) fn rows(lines: &[Line], sent: Option<&Fields>, own: u16) -> Vec<RightsRow> {
    if let Some(sent) = sent.filter(|sent| sent.names().any(|name| name.starts_with("rights."))) {
        let problems = rights::read(sent, false).err().unwrap_or_default();
        return rights::typed(sent, &problems, own, false);
    }
    let covered = lines.iter().filter(|line| covers(line));
    let values = covered.filter_map(|line| match &line.want {
        Want::Value(value) => Some((line.path, value)),
        Want::Secret(_) | Want::Attributes(_) => None,
    });
    rights::rows(&AccessTable::of(values).guards, own, false)
}

/// What was ticked, as lines; rows that were left empty stand for nothing.
pub(super) fn lines(fields: &Fields) -> Result<String, FleetError> {
    match rights::read(fields, false) {
        Ok(guards) => Ok(guards.iter().map(rights::lines).collect()),
        Err(problems) => {
            let reason = problems.into_values().next().unwrap_or_default();
            Err(FleetError::Invalid { field: "rights", reason })
        }
    }
}

/// Whether a line is in one of the rows.
pub(super) fn covers(line: &Line) -> bool {
    let Want::Value(value) = &line.want else { return false };
    let guards = AccessTable::of([(line.path, value)]).guards;
    // A number that is no right is kept as it was written.
    guards.iter().any(|guard| guard.strange.is_empty() && !guard.values().is_empty())
}

#[cfg(test)]
mod tests {
    use objects::{Attributes, Value};

    use super::*;

    fn line(path: &str, number: i64) -> Line {
        Line { path: path.parse().unwrap(), want: Want::Value(Value::Integer(number)) }
    }

    #[test]
    fn lines_of_rights_are_rows_and_others_are_not() {
        let all = [line("/2/0/2/0", 1), line("/2/0/2/123", 15), line("/2/0/3", 123), line("/1/0/1", 60)];
        assert_eq!(all.iter().map(covers).collect::<Vec<_>>(), [true, true, true, false]);
        let shown = rows(&all, None, 123);
        assert_eq!((shown[0].instance.as_str(), shown[0].owner.as_str()), ("0", "123"));
        let ticked = |server: &str| {
            let of = shown[0].servers.iter().find(|of| of.name.ends_with(server)).unwrap();
            of.boxes.iter().filter(|one| one.ticked).map(|one| one.word).collect::<Vec<_>>()
        };
        assert_eq!(ticked(".s123"), ["read", "write", "execute", "delete"]);
        assert_eq!(ticked(".s0"), ["read"]);
        assert!(!covers(&line("/2/0/2/5", 99)), "it stands among the lines");
        let attributes =
            Line { path: "/2/0".parse().unwrap(), want: Want::Attributes(Attributes::default()) };
        assert!(!covers(&attributes));
    }

    #[test]
    fn what_is_ticked_is_lines_again() {
        let form = Fields::of_texts(
            [
                ("rights.0.instance", "7"),
                ("rights.0.owner", "bootstrap"),
                ("rights.0.s123", "read"),
                ("rights.0.s123", "execute"),
                ("rights.0.s0", "nothing"),
            ]
            .into_iter(),
        );
        assert_eq!(lines(&form).unwrap(), "/2/7/2/0 = 0\n/2/7/2/123 = 5\n/2/7/3 = 65535\n");
        let wrong = Fields::of_texts([("rights.0.instance", "x"), ("rights.0.s0", "read")].into_iter());
        assert!(lines(&wrong).unwrap_err().to_string().contains("Number the Access Control instance"));
    }
}
