//! What devices say of how an update ended, and what to do about it.

/// A result code with its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpdateResult {
    /// What follows from it.
    pub class: ResultClass,
    /// What it means.
    pub meaning: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

/// What follows from a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResultClass {
    /// There is none yet.
    None,
    /// It is done, by what the device says.
    Success,
    /// Another try may go better.
    Retry,
    /// No try with this package will go better.
    Package,
    /// The device can't fetch from there.
    Uri,
    /// Somebody at the device has ended it.
    Operator,
    /// It was put off.
    Wait,
}

const fn result(class: ResultClass, meaning: &'static str, remedy: &'static str) -> UpdateResult {
    UpdateResult { class, meaning, remedy }
}

impl UpdateResult {
    /// That of `/5/0/5` (LwM2M Core 1.1.1 Annex E.6; 10 and 11 since 1.1 of the object).
    pub fn of_firmware(code: i64) -> Self {
        use ResultClass::{None, Operator, Package, Retry, Success, Uri, Wait};
        match code {
            0 => result(None, "no result yet", ""),
            1 => result(Success, "installed", ""),
            2 => result(
                Retry,
                "not enough flash memory for the package",
                "free storage on the device, or use a smaller package",
            ),
            3 => {
                result(Retry, "out of RAM during the download", "restart the device, and use smaller blocks")
            }
            4 => result(Retry, "the connection was lost during the download", "try again on a better link"),
            5 => result(
                Package,
                "the integrity check of the package failed",
                "check that the artefact is signed and built as this device expects",
            ),
            6 => result(
                Package,
                "the package type is not supported",
                "use a package that is built for this hardware",
            ),
            7 => result(
                Uri,
                "the package URI is not valid for the device",
                "check that the device can resolve and reach the download address",
            ),
            8 => result(Retry, "installing failed", "read the device's log; it runs what it ran before"),
            9 => result(
                Uri,
                "the device can't fetch by this protocol",
                "push the package, or offer one of the protocols in /5/0/8",
            ),
            10 => result(Operator, "the update was cancelled", ""),
            11 => result(Wait, "the update was put off at the device", ""),
            _ => result(Retry, "a result that is not defined", "ask the device's manufacturer what it means"),
        }
    }

    /// That of `/9/x/9`.
    pub fn of_software(code: i64) -> Self {
        use ResultClass::{None, Package, Retry, Success, Uri};
        match code {
            0 => result(None, "no result yet", ""),
            1 => result(None, "downloading", ""),
            2 => result(Success, "installed", ""),
            3 => result(None, "downloaded", ""),
            50 => result(
                Retry,
                "not enough storage for the package",
                "free storage on the device, or use a smaller package",
            ),
            51 => result(
                Retry,
                "out of memory during the download",
                "restart the device, and use smaller blocks",
            ),
            52 => result(Retry, "the connection was lost during the download", "try again on a better link"),
            53 => result(
                Package,
                "the integrity check of the package failed",
                "check that the artefact is signed and built as this device expects",
            ),
            54 => result(
                Package,
                "the package type is not supported",
                "use a package that is built for this device",
            ),
            56 => result(
                Uri,
                "the package URI is not valid for the device",
                "check that the device can resolve and reach the download address",
            ),
            57 => result(Retry, "an error of the device's own", "read the device's log"),
            58 => result(Retry, "installing failed", "read the device's log"),
            59 => result(Retry, "uninstalling failed", "read the device's log"),
            _ => result(Retry, "a result that is not defined", "ask the device's manufacturer what it means"),
        }
    }

    /// Whether the update has failed, as far as the device can say.
    pub fn is_failure(self) -> bool {
        !matches!(self.class, ResultClass::None | ResultClass::Success | ResultClass::Wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_of_either_object_says_what_to_do() {
        for code in -1..=70 {
            for result in [UpdateResult::of_firmware(code), UpdateResult::of_software(code)] {
                assert!(!result.meaning.is_empty());
                let speaks = result.is_failure() && result.class != ResultClass::Operator;
                assert_eq!(!result.remedy.is_empty(), speaks, "{code}: {result:?}");
            }
        }
    }

    #[test]
    fn what_follows_from_a_result_of_firmware_is_as_its_code_says() {
        use ResultClass::{None, Operator, Package, Retry, Success, Uri, Wait};
        let classes = [None, Success, Retry, Retry, Retry, Package, Package, Uri, Retry, Uri, Operator, Wait];
        for (code, class) in classes.into_iter().enumerate() {
            assert_eq!(UpdateResult::of_firmware(code as i64).class, class, "{code}");
        }
    }
}
