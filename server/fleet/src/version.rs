//! Versions of firmware and software, as their makers write them: compared number by number, never as text.
//!
//! `1.1.1 < 1.1.9 < 1.1.10`, `1.2` is `1.2.0`, `2.0-rc.1 < 2.0`, and what stands after `+` says nothing. Anything else that
//! a maker may write has its place too, so that any two versions can be compared.

use std::cmp::Ordering;

/// Which of two versions is the later one.
pub fn compare(one: &str, other: &str) -> Ordering {
    let ((one, one_before), (other, other_before)) = (split(one), split(other));
    dotted(one, other).then_with(|| match (one_before, other_before) {
        (None, None) => Ordering::Equal,
        // What comes before a release is earlier than the release.
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(one), Some(other)) => dotted(one, other),
    })
}

/// A version without its build, and what comes before the release it names.
fn split(version: &str) -> (&str, Option<&str>) {
    let version = version.trim();
    let version = version.strip_prefix(['v', 'V']).unwrap_or(version);
    let version = version.split_once('+').map_or(version, |(version, _)| version);
    match version.split_once('-') {
        Some((release, before)) => (release, Some(before)),
        None => (version, None),
    }
}

fn dotted(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one.split('.'), other.split('.'));
    loop {
        let (left, right) = (one.next(), other.next());
        if left.is_none() && right.is_none() {
            return Ordering::Equal;
        }
        let order = part(left.unwrap_or("0"), right.unwrap_or("0"));
        if order.is_ne() {
            return order;
        }
    }
}

/// By the number that a part begins with, then by what follows.
fn part(one: &str, other: &str) -> Ordering {
    let ((one, one_rest), (other, other_rest)) = (number(one), number(other));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other)).then_with(|| one_rest.cmp(other_rest))
}

/// The digits that a part begins with, without leading zeros: however many, so that no number is too large.
fn number(part: &str) -> (&str, &str) {
    let end = part.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(part.len());
    let (digits, rest) = part.split_at(end);
    (digits.trim_start_matches('0'), rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn versions_are_compared_number_by_number() {
        let ascending = [
            "",
            "0.9",
            "1.0-alpha",
            "1.0-alpha.2",
            "1.0-alpha.10",
            "1.0-rc.1",
            "1.0",
            "1.0.1",
            "1.1.1",
            "1.1.9",
            "1.1.10",
            "1.1.10a",
            "1.1.10b",
            "1.2",
            "1.10",
            "2",
            "10.0",
            "20260101.7",
            "99999999999999999999999999.1",
        ];
        for (place, one) in ascending.iter().enumerate() {
            for (other_place, other) in ascending.iter().enumerate() {
                assert_eq!(compare(one, other), place.cmp(&other_place), "{one} and {other}");
            }
        }
    }

    #[test]
    fn versions_that_say_the_same_are_equal() {
        for (one, other) in
            [("1.2", "1.2.0"), ("v1.2", "1.2"), ("1.02", "1.2"), ("1.2+a1", "1.2+b2"), (" 1.2 ", "1.2")]
        {
            assert_eq!(compare(one, other), Ordering::Equal, "{one} and {other}");
        }
    }

    proptest! {
        #[test]
        fn any_three_texts_have_an_order(one in ".{0,12}", two in "[0-9v.+-]{0,12}", three in "[0-9a.-]{0,12}") {
            prop_assert_eq!(compare(&one, &two), compare(&two, &one).reverse());
            prop_assert_eq!(compare(&one, &one), Ordering::Equal);
            let mut sorted = [one.as_str(), two.as_str(), three.as_str()];
            sorted.sort_by(|one, other| compare(one, other));
            prop_assert!(compare(sorted[0], sorted[2]).is_le());
        }
    }
}
