//! Which way a package takes to a device, and why: a pure choice.

use super::{Delivery, Scheme};

/// Which way a package takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// It is written to the device.
    Push {
        /// Why this way.
        why: &'static str,
    },
    /// The device fetches it.
    Pull {
        /// By what.
        scheme: Scheme,
        /// From where.
        uri: String,
        /// Why this way.
        why: &'static str,
    },
    /// There is none.
    None {
        /// Why not, with what to do.
        why: String,
    },
}

/// What this server has for devices to fetch by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offered {
    /// What this device may be told, with the address; the best first.
    pub uris: Vec<(Scheme, String)>,
    /// What is listened at and not for this device, with the reason.
    pub withheld: Vec<(Scheme, &'static str)>,
}

impl Route {
    /// Chooses, by what was asked for, by what the device says of itself (`/5/0/9`, and `/5/0/8`, empty if it does not say),
    /// and by what there is. No device is told of a scheme that its `/5/0/8` does not list (LwM2M Core 1.1.1 Annex E.6).
    pub fn choose(asked: Delivery, delivery: Option<i64>, protocols: &[i64], offered: &Offered) -> Self {
        match (asked, delivery) {
            (Delivery::Push, Some(0)) => {
                Self::none("the device only fetches (/5/0/9), and is to be pushed to")
            }
            (Delivery::Pull, Some(1)) => Self::none("the device does not fetch (/5/0/9), and is to"),
            (Delivery::Push, _) => Self::Push { why: "as was asked for" },
            (Delivery::Pull, _) => Self::pull("as was asked for", protocols, offered),
            (Delivery::Any, Some(0)) => Self::pull("the device only fetches (/5/0/9)", protocols, offered),
            (Delivery::Any, Some(1)) => Self::Push { why: "the device does not fetch (/5/0/9)" },
            (Delivery::Any, Some(2)) => Self::Push { why: "the device takes it either way (/5/0/9)" },
            (Delivery::Any, _) => {
                Self::Push { why: "the device does not say how it takes a package (/5/0/9)" }
            }
        }
    }

    fn pull(why: &'static str, protocols: &[i64], offered: &Offered) -> Self {
        let can = |scheme: Scheme| protocols.is_empty() || protocols.contains(&(scheme as i64));
        if let Some((scheme, uri)) = offered.uris.iter().find(|(scheme, _)| can(*scheme)) {
            return Self::Pull { scheme: *scheme, uri: uri.clone(), why };
        }
        if let Some((scheme, reason)) = offered.withheld.iter().find(|(scheme, _)| can(*scheme)) {
            return Self::none(&format!("the device can't be told to fetch by {}: {reason}", scheme.name()));
        }
        if offered.uris.is_empty() && offered.withheld.is_empty() {
            return Self::none(
                "this server has no listener for downloads: switch one on (`downloads.…` in its configuration), or push",
            );
        }
        let listed = protocols.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        Self::none(&format!(
            "this server offers none of the protocols by which the device fetches (/5/0/8: {listed})"
        ))
    }

    fn none(why: &str) -> Self {
        Self::None { why: why.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(schemes: &[Scheme]) -> Offered {
        let uri = |scheme: &Scheme| (*scheme, format!("{}://h/d/k", scheme.name()));
        Offered { uris: schemes.iter().map(uri).collect(), withheld: Vec::new() }
    }

    fn short(route: &Route) -> String {
        match route {
            Route::Push { .. } => "push".to_owned(),
            Route::Pull { scheme, .. } => scheme.name().to_owned(),
            Route::None { .. } => "none".to_owned(),
        }
    }

    #[test]
    fn what_is_asked_for_and_what_the_device_says_choose_the_way() {
        use Delivery::{Any, Pull, Push};
        let all = offered(&Scheme::ALL);
        for (asked, delivery, expected) in [
            (Any, None, "push"),
            (Any, Some(0), "coaps"),
            (Any, Some(1), "push"),
            (Any, Some(2), "push"),
            (Any, Some(7), "push"),
            (Push, None, "push"),
            (Push, Some(0), "none"),
            (Push, Some(1), "push"),
            (Push, Some(2), "push"),
            (Pull, None, "coaps"),
            (Pull, Some(0), "coaps"),
            (Pull, Some(1), "none"),
            (Pull, Some(2), "coaps"),
        ] {
            let route = Route::choose(asked, delivery, &[], &all);
            assert_eq!(short(&route), expected, "{asked:?} {delivery:?}: {route:?}");
        }
    }

    #[test]
    fn the_best_scheme_that_both_know_is_taken_and_no_other() {
        for (protocols, schemes, expected) in [
            (&[][..], &[Scheme::Https, Scheme::Coap][..], "https"),
            (&[0, 1, 2, 3], &Scheme::ALL, "coaps"),
            (&[0, 3], &Scheme::ALL, "https"),
            (&[0, 2], &Scheme::ALL, "coap"),
            (&[2], &Scheme::ALL, "http"),
            (&[2], &[Scheme::Coaps, Scheme::Https], "none"),
            (&[4, 5], &Scheme::ALL, "none"),
            (&[], &[], "none"),
        ] {
            let route = Route::choose(Delivery::Pull, Some(2), protocols, &offered(schemes));
            assert_eq!(short(&route), expected, "{protocols:?} {schemes:?}");
        }
    }

    #[test]
    fn where_there_is_no_way_it_is_said_why_and_what_to_do() {
        let why = |protocols: &[i64], offered: &Offered| match Route::choose(
            Delivery::Pull,
            Some(0),
            protocols,
            offered,
        ) {
            Route::None { why } => why,
            route => panic!("{route:?}"),
        };
        assert!(why(&[1], &Offered::default()).contains("switch one on"));
        let withheld =
            Offered { withheld: vec![(Scheme::Http, "its class does not allow that")], ..offered(&[]) };
        assert!(why(&[2], &withheld).contains("by http: its class does not allow that"));
        assert!(why(&[0, 1], &withheld).contains("/5/0/8: 0, 1"));
    }
}
