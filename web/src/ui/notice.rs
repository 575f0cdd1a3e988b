//! What a page says after a form was done: `?done=word`, from a list, so that an address can't put words into our mouth.

/// The sentence for a word.
pub(crate) fn done(word: &str) -> Option<&'static str> {
    let sentence = match word {
        "account-added" => "The account was made. Tell its owner the name and the password.",
        "account-changed" => "The account was changed.",
        "approved" => "Approved: the device may claim once more within the next hour.",
        "cancelled" => "The operation was cancelled.",
        "claim-closed" => "The claim was closed: nobody enrols by it any more.",
        "class-added" => "The class was made. It uses the default plan until it has one of its own.",
        "classified" => {
            "The device was put into another class. It gets that class’s plan at its next bootstrap."
        }
        "dealt-with" => "Dealt with: the entry is gone until it happens again.",
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
        "revoked" => "Revoked: it opens nothing any more, and what it had opened has ended.",
        "token-revoked" => "The token was revoked: programs that use it are refused.",
        "webhook-changed" => "The webhook was changed.",
        "webhook-removed" => "The webhook was removed.",
        _ => return None,
    };
    Some(sentence)
}
