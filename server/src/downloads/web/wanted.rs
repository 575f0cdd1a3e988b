//! What a request wants of a package, by its headers (RFC 9110 §13 and §14).

use axum::http::{HeaderMap, HeaderName, header};

/// What a request wants of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it.
    Whole,
    /// From a byte on, up to another that is not part of it.
    Part {
        /// The first.
        from: u64,
        /// The one behind the last.
        end: u64,
    },
    /// Nothing: it has it.
    Nothing,
    /// Another one.
    Another,
    /// What lies behind its end.
    Beyond,
}

impl Wanted {
    /// Several ranges at once, and what can't be read, are as if they were not asked for (RFC 9110 §14.2).
    pub(super) fn of(headers: &HeaderMap, etag: &str, size: u64) -> Self {
        let named = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        if named(header::IF_MATCH).is_some_and(|list| !lists(list, etag, false)) {
            return Self::Another;
        }
        if named(header::IF_NONE_MATCH).is_some_and(|list| lists(list, etag, true)) {
            return Self::Nothing;
        }
        // A date, or a tag that is weak, is never the same (RFC 9110 §13.1.5).
        let is_of_another = named(header::IF_RANGE).is_some_and(|tag| tag.trim() != etag);
        if is_of_another || headers.get_all(header::RANGE).iter().count() > 1 {
            return Self::Whole;
        }
        named(header::RANGE).and_then(|range| part(range, size)).unwrap_or(Self::Whole)
    }
}

fn lists(list: &str, etag: &str, weakly: bool) -> bool {
    list.split(',').map(str::trim).any(|tag| {
        let tag = if weakly { tag.strip_prefix("W/").unwrap_or(tag) } else { tag };
        tag == "*" || tag == etag
    })
}

fn part(range: &str, size: u64) -> Option<Wanted> {
    let (unit, range) = range.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || range.contains(',') {
        return None;
    }
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let (from, end) = if first.is_empty() {
        (size.saturating_sub(number(last)?), size)
    } else {
        let from = number(first)?;
        let last = if last.is_empty() { u64::MAX } else { number(last)? };
        if last < from {
            return None;
        }
        (from, last.saturating_add(1).min(size))
    };
    Some(if from < end { Wanted::Part { from, end } } else { Wanted::Beyond })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETAG: &str = "\"abc\"";

    fn wanted(headers: &[(HeaderName, &str)]) -> Wanted {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value.parse().unwrap());
        }
        Wanted::of(&map, ETAG, 100)
    }

    #[test]
    fn one_range_is_given_and_what_is_none_is_as_if_it_was_not_there() {
        let part = |from, end| Wanted::Part { from, end };
        for (range, expected) in [
            ("bytes=0-0", part(0, 1)),
            ("bytes=10-19", part(10, 20)),
            ("bytes=90-", part(90, 100)),
            ("bytes=99-999999999999999999999999", part(99, 100)),
            ("bytes=-10", part(90, 100)),
            ("bytes=-1000", part(0, 100)),
            ("Bytes = 5-6", part(5, 7)),
            ("bytes=100-", Wanted::Beyond),
            ("bytes=100-200", Wanted::Beyond),
            ("bytes=-0", Wanted::Beyond),
            ("bytes=20-10", Wanted::Whole),
            ("bytes=0-1,5-6", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("lines=1-2", Wanted::Whole),
            ("bytes", Wanted::Whole),
        ] {
            assert_eq!(wanted(&[(header::RANGE, range)]), expected, "{range}");
        }
        assert_eq!(wanted(&[]), Wanted::Whole);
        assert_eq!(wanted(&[(header::RANGE, "bytes=0-1"), (header::RANGE, "bytes=0-1")]), Wanted::Whole);
    }

    #[test]
    fn a_range_of_another_package_is_the_whole_of_this_one() {
        let range = (header::RANGE, "bytes=10-19");
        for (condition, expected) in [
            (ETAG, Wanted::Part { from: 10, end: 20 }),
            ("\"abd\"", Wanted::Whole),
            ("W/\"abc\"", Wanted::Whole),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Wanted::Whole),
        ] {
            assert_eq!(wanted(&[range.clone(), (header::IF_RANGE, condition)]), expected, "{condition}");
        }
    }

    #[test]
    fn who_has_it_gets_nothing_and_who_wants_another_is_told() {
        for (name, condition, expected) in [
            (header::IF_NONE_MATCH, ETAG, Wanted::Nothing),
            (header::IF_NONE_MATCH, "\"x\", W/\"abc\"", Wanted::Nothing),
            (header::IF_NONE_MATCH, "*", Wanted::Nothing),
            (header::IF_NONE_MATCH, "\"x\"", Wanted::Whole),
            (header::IF_MATCH, ETAG, Wanted::Whole),
            (header::IF_MATCH, "*", Wanted::Whole),
            (header::IF_MATCH, "W/\"abc\"", Wanted::Another),
            (header::IF_MATCH, "\"x\"", Wanted::Another),
        ] {
            assert_eq!(wanted(&[(name, condition)]), expected, "{condition}");
        }
    }
}
