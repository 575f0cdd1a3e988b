//! Which devices are of a class, by what they are: their model, what they hold, their labels.

use std::{cmp::Ordering, collections::BTreeSet};

use objects::{InstanceId, ObjectId, Path, ResourceId, Value};

use crate::{ClassId, Label, Labels, store::Candidate};

/// By what a device is of a class: by all that is given here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassRule {
    /// Its manufacturer, `/3/0/0`.
    pub manufacturer: Option<String>,
    /// Its model number, `/3/0/1`.
    pub model: Option<String>,
    /// The objects that it has registered, among others.
    pub objects: BTreeSet<ObjectId>,
    /// Its labels, among others; one without a value is there with any.
    pub labels: Labels,
}

/// To which class a device belongs by the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Belongs {
    /// To more than one: none of them says more of it than the others.
    Contested(Vec<ClassId>),
    /// To none.
    Nowhere,
    /// To this one.
    To(ClassId),
}

impl ClassRule {
    /// How many objects it names at most.
    pub const MAX_OBJECTS: usize = 32;
    /// How many characters manufacturer and model have at most.
    pub const MAX_CHARS: usize = 255;
    /// Where a device says who made it.
    pub const MANUFACTURER: Path = Path::Resource(ObjectId(3), InstanceId(0), ResourceId(0));
    /// Where a device says which model it is.
    pub const MODEL: Path = Path::Resource(ObjectId(3), InstanceId(0), ResourceId(1));

    /// To which class a device belongs: to that of the rules that hold which says the most.
    pub fn belongs<'a>(
        rules: impl IntoIterator<Item = (ClassId, &'a Self)>,
        candidate: &Candidate,
    ) -> Belongs {
        let (mut best, mut most) = (Vec::new(), 1);
        for (class, rule) in rules {
            if !rule.holds(candidate) {
                continue;
            }
            match rule.says().cmp(&most) {
                Ordering::Less => {}
                Ordering::Equal => best.push(class),
                Ordering::Greater => (best, most) = (vec![class], rule.says()),
            }
        }
        match best[..] {
            [] => Belongs::Nowhere,
            [class] => Belongs::To(class),
            _ => Belongs::Contested(best),
        }
    }

    /// Whether it says nothing: no device is of its class by it.
    pub fn is_empty(&self) -> bool {
        self.says() == 0
    }

    /// The values it looks at.
    pub fn paths(&self) -> impl Iterator<Item = Path> {
        let manufacturer = self.manufacturer.as_ref().map(|_| Self::MANUFACTURER);
        manufacturer.into_iter().chain(self.model.as_ref().map(|_| Self::MODEL))
    }

    fn holds(&self, candidate: &Candidate) -> bool {
        let is = |path, wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| {
                let mut values = candidate.values.iter().map(|stored| &stored.reading);
                values.any(|reading| reading.path == path && reading.value == Value::String(wanted.clone()))
            })
        };
        let registration = candidate.view.registration.as_ref();
        let has = |object| registration.is_some_and(|one| one.links.objects.contains_key(object));
        let mut labels =
            self.labels.iter().map(|(key, value)| Label { key: key.into(), value: value.into() });
        is(Self::MANUFACTURER, &self.manufacturer)
            && is(Self::MODEL, &self.model)
            && self.objects.iter().all(has)
            && labels.all(|label| label.is_among(&candidate.labels))
    }

    /// How much it asks for.
    fn says(&self) -> usize {
        let Self { manufacturer, model, objects, labels } = self;
        usize::from(manufacturer.is_some())
            + usize::from(model.is_some())
            + objects.len()
            + labels.iter().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample::candidate;

    fn rule(manufacturer: &str, model: &str, objects: &[u16], labels: &str) -> ClassRule {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        ClassRule {
            manufacturer: given(manufacturer),
            model: given(model),
            objects: objects.iter().copied().map(ObjectId).collect(),
            labels: labels.parse().unwrap(),
        }
    }

    fn meter() -> Candidate {
        let text = |text: &str| Value::String(text.into());
        candidate("site=zürich spare=2", vec![("/3/0/0", text("ACME")), ("/3/0/1", text("M1"))])
    }

    #[test]
    fn a_rule_holds_for_what_is_all_that_it_says() {
        for (rule, holds) in [
            (rule("ACME", "", &[], ""), true),
            (rule("ACME", "M1", &[3, 5], "site=zürich spare"), true),
            (rule("", "M2", &[], ""), false),
            (rule("acme", "", &[], ""), false),
            (rule("", "", &[3, 19], ""), false),
            (rule("", "", &[], "site=bern"), false),
            (rule("", "", &[], "spare"), true),
            (rule("", "", &[], "gone"), false),
        ] {
            let expected = if holds { Belongs::To(ClassId(7)) } else { Belongs::Nowhere };
            assert_eq!(ClassRule::belongs([(ClassId(7), &rule)], &meter()), expected, "{rule:?}");
        }
        let mut never = meter();
        (never.view.registration, never.values) = (None, Vec::new());
        assert_eq!(ClassRule::belongs([(ClassId(7), &rule("ACME", "", &[], ""))], &never), Belongs::Nowhere);
        assert_eq!(ClassRule::belongs([(ClassId(7), &rule("", "", &[3], ""))], &never), Belongs::Nowhere);
    }

    #[test]
    fn the_rule_that_says_the_most_wins_and_two_that_say_as_much_leave_it_open() {
        let (maker, model) = (rule("ACME", "", &[], ""), rule("ACME", "M1", &[], ""));
        let (site, other) = (rule("", "", &[5], "site=zürich"), rule("ACME", "M9", &[3, 5], "spare"));
        let of = |rules: &[(i64, &ClassRule)]| {
            ClassRule::belongs(rules.iter().map(|(class, rule)| (ClassId(*class), *rule)), &meter())
        };
        assert_eq!(of(&[(2, &maker), (3, &model), (4, &other)]), Belongs::To(ClassId(3)));
        let contested = Belongs::Contested(vec![ClassId(3), ClassId(5)]);
        assert_eq!(of(&[(2, &maker), (3, &model), (5, &site)]), contested);
        assert_eq!(
            of(&[(2, &ClassRule::default())]),
            Belongs::Nowhere,
            "one that says nothing holds for nobody"
        );
    }
}
