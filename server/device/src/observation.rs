//! One observation, and when it is due to be reported (LwM2M Core 1.1.1 §6.4 and §7.3.2).

use std::{collections::BTreeMap, time::Duration};

use objects::{Attributes, ContentFormat, Path, Value};

/// What stands at and below an observed path.
pub(crate) type Values = BTreeMap<Path, Value>;

/// One path, or those of an Observe-Composite (LwM2M Core 1.1.1 §6.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Observed {
    One(Path),
    Several(Vec<Path>),
}

/// What is observed, and what was reported of it.
#[derive(Debug)]
pub(crate) struct Observation {
    pub(crate) of: Observed,
    /// RFC 7641 §4.2: each notification has the format of the first response.
    pub(crate) format: ContentFormat,
    /// As last reported.
    reported: Values,
    /// As last seen.
    seen: Values,
    reported_at: Duration,
    confirmed_at: Duration,
    /// Whether something has happened that is to be reported as soon as `pmin` allows.
    wanted: bool,
}

impl Observation {
    /// An observation whose first response has these values.
    pub(crate) fn new(of: Observed, format: ContentFormat, now: Duration, values: Values) -> Self {
        Self {
            of,
            format,
            reported: values.clone(),
            seen: values,
            reported_at: now,
            confirmed_at: now,
            wanted: false,
        }
    }

    /// Looks at the present values; `attributes` are those of each observed path.
    pub(crate) fn see(&mut self, attributes: impl Fn(&Path) -> Attributes, values: Values) {
        if values != self.seen {
            let deserves = |path: &Path| self.deserves(path, &attributes(path), &values);
            self.wanted = self.wanted || self.of.paths().iter().any(deserves);
            self.seen = values;
        }
    }

    /// When it is to be reported, if nothing more happens.
    pub(crate) fn due(&self, attributes: &Attributes) -> Option<Duration> {
        let after = |seconds: u32| self.reported_at + Duration::from_secs(seconds.into());
        let earliest = after(attributes.pmin.unwrap_or_default());
        // A pmax of 0 or below pmin is as good as none.
        let latest =
            attributes.pmax.map(after).filter(|latest| *latest > self.reported_at && *latest >= earliest);
        if self.wanted { Some(earliest) } else { latest }
    }

    /// Takes note that the values last seen were reported.
    pub(crate) fn report(&mut self, now: Duration) {
        self.reported = self.seen.clone();
        self.reported_at = now;
        self.wanted = false;
    }

    /// Whether the next notification has to be confirmable whatever the device prefers: once in 24 hours it has
    /// (RFC 7641 §4.5).
    pub(crate) fn is_unconfirmed(&self, now: Duration) -> bool {
        now >= self.confirmed_at + Duration::from_secs(24 * 60 * 60)
    }

    pub(crate) fn confirm(&mut self, now: Duration) {
        self.confirmed_at = now;
    }

    /// Without a threshold or step every change does, otherwise what meets one of them, and what is no number.
    fn deserves(&self, observed: &Path, attributes: &Attributes, values: &Values) -> bool {
        let below = |values: &Values| -> Values {
            let values = values.iter().filter(|(path, _)| path.is_within(observed));
            values.map(|(path, value)| (*path, value.clone())).collect()
        };
        let (values, seen) = (below(values), below(&self.seen));
        if values == seen {
            return false;
        }
        if attributes.gt.is_none() && attributes.lt.is_none() && attributes.st.is_none() {
            return true;
        }
        if !values.keys().eq(seen.keys()) {
            return true;
        }
        values.iter().any(|(path, value)| {
            let before = &seen[path];
            match (number(before), number(value)) {
                (Some(before), Some(now)) => {
                    let crosses = |threshold: f64| (before > threshold) != (now > threshold);
                    let falls = |threshold: f64| (before < threshold) != (now < threshold);
                    let reported = self.reported.get(path).and_then(number);
                    let steps = |step: f64| reported.is_none_or(|reported| (now - reported).abs() >= step);
                    attributes.gt.is_some_and(crosses)
                        || attributes.lt.is_some_and(falls)
                        || before != now && attributes.st.is_some_and(steps)
                }
                _ => before != value,
            }
        })
    }
}

impl Observed {
    pub(crate) fn paths(&self) -> &[Path] {
        match self {
            Self::One(path) => std::slice::from_ref(path),
            Self::Several(paths) => paths,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "thresholds are floats")]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) | Value::Time(number) => Some(*number as f64),
        Value::Unsigned(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/3303/0/5700";

    fn values(value: f64) -> Values {
        [(PATH.parse().unwrap(), Value::Float(value))].into()
    }

    fn attributes(text: &str) -> Attributes {
        Attributes::parse_queries(text.split_whitespace()).unwrap().0
    }

    /// When the values that come a second apart are reported, and as what.
    fn reports(text: &str, given: &[f64]) -> Vec<(u64, f64)> {
        let attributes = attributes(text);
        let at = |second| Duration::from_secs(second);
        let mut observation = Observation::new(
            Observed::One(PATH.parse().unwrap()),
            ContentFormat::TLV,
            at(0),
            values(given[0]),
        );
        let mut reports = Vec::new();
        for second in 1..20 {
            let value = given[(second as usize).min(given.len() - 1)];
            observation.see(|_| attributes, values(value));
            if observation.due(&attributes).is_some_and(|due| due <= at(second)) {
                observation.report(at(second));
                reports.push((second, value));
            }
        }
        reports
    }

    #[test]
    fn attributes_decide_when_a_value_is_reported() {
        type Case<'a> = (&'a str, &'a [f64], &'a [(u64, f64)]);
        let cases: [Case<'_>; 16] = [
            ("", &[1.0], &[]),
            ("", &[1.0, 2.0, 2.0, 1.0], &[(1, 2.0), (3, 1.0)]),
            ("pmin=5", &[1.0, 2.0, 3.0], &[(5, 3.0)]),
            ("pmin=5", &[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 3.0], &[(7, 2.0), (12, 3.0)]),
            // What had to be reported is, though it has gone (§7.3.2, pmin).
            ("pmin=5", &[1.0, 2.0, 1.0], &[(5, 1.0)]),
            ("pmax=8", &[1.0], &[(8, 1.0), (16, 1.0)]),
            ("pmax=8", &[1.0, 1.0, 1.0, 2.0], &[(3, 2.0), (11, 2.0), (19, 2.0)]),
            ("pmin=4 pmax=8", &[1.0, 2.0, 3.0], &[(4, 3.0), (12, 3.0)]),
            ("pmax=0", &[1.0, 2.0], &[(1, 2.0)]),
            ("gt=10", &[1.0, 9.0, 10.0, 11.0, 12.0, 10.0, 9.0], &[(3, 11.0), (5, 10.0)]),
            ("lt=10", &[12.0, 11.0, 10.0, 9.0, 8.0, 10.0, 12.0], &[(3, 9.0), (5, 10.0)]),
            ("lt=5 gt=10", &[7.0, 8.0, 11.0, 7.0, 4.0, 6.0], &[(2, 11.0), (3, 7.0), (4, 4.0), (5, 6.0)]),
            // A step counts from what was reported.
            ("st=3", &[1.0, 2.0, 3.0, 4.0, 5.0, 2.0, 1.0], &[(3, 4.0), (6, 1.0)]),
            ("st=3 gt=10", &[9.0, 11.0, 13.0, 14.0], &[(1, 11.0), (3, 14.0)]),
            ("pmin=4 gt=10", &[1.0, 11.0, 1.0, 1.0, 1.0, 1.0, 11.0], &[(4, 1.0), (8, 11.0)]),
            ("pmax=6 gt=10", &[1.0, 2.0, 3.0, 4.0], &[(6, 4.0), (12, 4.0), (18, 4.0)]),
        ];
        for (text, given, expected) in cases {
            assert_eq!(reports(text, given), expected, "{text}: {given:?}");
        }
    }

    #[test]
    fn of_several_paths_each_has_its_own_thresholds() {
        let path = |text: &str| text.parse::<Path>().unwrap();
        let [one, two] = ["/3303/0/5700", "/3303/1/5700"].map(path);
        let both = |a, b| Values::from([(one, Value::Float(a)), (two, Value::Float(b))]);
        let attributes = |path: &Path| attributes(if *path == one { "gt=10" } else { "st=5" });
        let seen = |values| {
            let of = Observed::Several(vec![one, two]);
            let mut observation =
                Observation::new(of, ContentFormat::SENML_CBOR, Duration::ZERO, both(1.0, 1.0));
            observation.see(attributes, values);
            observation.due(&Attributes::default()).is_some()
        };
        assert!(!seen(both(9.0, 5.0)));
        assert!(seen(both(11.0, 1.0)));
        assert!(seen(both(1.0, 6.0)));
    }

    #[test]
    fn thresholds_do_not_hold_back_what_is_no_number() {
        let mut observation = Observation::new(
            Observed::One(PATH.parse().unwrap()),
            ContentFormat::TLV,
            Duration::ZERO,
            [(PATH.parse().unwrap(), Value::String("a".into()))].into(),
        );
        observation.see(|_| attributes("gt=1"), [(PATH.parse().unwrap(), Value::String("b".into()))].into());
        assert_eq!(observation.due(&attributes("gt=1")), Some(Duration::ZERO));
    }
}
