//! What a page says after a form was done: `?done=word`, from a list, so that an address can't put words into our mouth.

/// The sentence for a word.
pub(crate) fn done(word: &str) -> Option<&'static str> {
    let sentence = match word {
        "account-added" => "The account was made. Tell its owner the name and the password.",
        "account-changed" => "The account was changed.",
        "approved" => "Approved: the device may claim once more within the next hour.",
        "artefact-added" => "The artefact was checked and kept.",
        "artefact-removed" => "The artefact and its bytes were removed.",
        "artefact-withdrawn" => "The artefact was withdrawn: it is sent to nobody any more.",
        "authority-added" => {
            "The authority is trusted: devices may come with certificates that it has issued."
        }
        "authority-removed" => {
            "The authority is trusted no more. Sessions that were opened by what it has issued have ended."
        }
        "awake-saved" => "Saved: it holds from now on.",
        "baseline-rolled-back" => {
            "An earlier version counts again, as a new one. Its devices are looked at in the background."
        }
        "baseline-saved" => "Saved as a new version. Its devices are looked at in the background.",
        "cancelled" => "The operation was cancelled.",
        "cancelled-some" => "Cancelled. Some of it was on its way already.",
        "cancelled-waiting" => "All that waited for the device was cancelled.",
        "claim-closed" => "The claim was closed: nobody enrols by it any more.",
        "class-added" => "The class was made. It uses the default plan until it has one of its own.",
        "classified" => {
            "The device was put into another class. It gets that class’s plan at its next bootstrap."
        }
        "class-rule-saved" => {
            "Saved. Devices that nobody has put into a class are put into it in the background."
        }
        "configuration-accepted" => "That is what this device is to have from now on.",
        "configuration-repaired" => "What it does not have is written as soon as it listens.",
        "configuration-resumed" => "It goes on.",
        "dealt-with" => "Dealt with: the entry is gone until it happens again.",
        "group-removed" => "The group was removed. Its devices stay as they are.",
        "group-saved" => "The group was saved. Who is in it follows in the background.",
        "labelled" => "The labels were saved.",
        "labelled-many" => "The devices were labelled.",
        "labelled-some" => {
            "Not all devices were labelled: some have as many labels as they may, or there were more than ten thousand."
        }
        "let-off" => "The device does not rest: the update goes on.",
        "model-removed" => "The uploaded model was removed.",
        "models-reloaded" => "The folder of models was read anew.",
        "model-uploaded" => {
            "The model was taken. Devices that have this object are shown with it from now on."
        }
        "nothing-chosen" => "Nothing was chosen: tick the devices first.",
        "password-changed" => {
            "The password was changed. Sessions that were open under the old one have ended."
        }
        "plan-saved" => "The plan was saved. Devices get it at their next bootstrap.",
        "plan-removed" => "The plan was removed. Devices get the one above it at their next bootstrap.",
        "policy-saved" => {
            "The policy was saved. Sessions that were opened by what is not let in any more have ended."
        }
        "wishes-saved" => {
            "Saved. The devices of this class are asked in the background, those that sleep when they are heard."
        }
        "retention-saved" => {
            "Saved. What is not kept any more is dropped in the background, within some hours."
        }
        "update-key-added" => "The key is trusted: devices of this class take what it has signed.",
        "update-key-revoked" => {
            "The key was revoked: nothing that it has signed is sent to devices of this class."
        }
        "updates-saved" => "Saved. It holds from the next update on.",
        "revocations-saved" => {
            "The revocation list was taken. Sessions that were opened by certificates on it have ended."
        }
        "revoked" => "Revoked: it opens nothing any more, and what it had opened has ended.",
        "token-revoked" => "The token was revoked: programs that use it are refused.",
        "update-begun" => "The update was begun. It goes on by itself, whoever looks.",
        "update-cancelled" => "The update ends as soon as that can be.",
        "webhook-changed" => "The webhook was changed.",
        "webhook-removed" => "The webhook was removed.",
        _ => return None,
    };
    Some(sentence)
}
