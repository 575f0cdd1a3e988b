//! What it says of itself.

use crate::{snapshot::is_as_kept, world::bare};

#[test]
fn the_help_of_every_command_is_as_it_is_kept() {
    let mut text = String::new();
    collect(&mut Vec::new(), &mut text);
    for family in
        ["device read", "credential rotate", "bootstrap plan set", "user reset-password", "audit list"]
    {
        assert!(text.contains(&format!("$ muster {family} --help\n")), "{family}");
    }
    is_as_kept("help.txt", &text);
}

#[test]
fn exit_codes_are_explained_as_help_and_as_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let printed = |arguments: &[&str]| {
        let output = bare(folder.path(), arguments).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let table = printed(&["exit-codes"]);
    assert!(table.contains("\n   3  There is no such thing.\n"), "{table}");
    assert!(printed(&["help", "exit-codes"]).starts_with(table.trim_end()));
}

#[test]
fn every_shell_is_told_of_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let output = bare(folder.path(), &["completions", shell]).output().unwrap();
        assert!(output.status.success(), "{shell}");
        let script = String::from_utf8(output.stdout).unwrap();
        for word in ["muster", "reset-password", "write-attributes", "token-file"] {
            assert!(script.contains(word), "{shell} {word}");
        }
    }
}

fn collect(command: &mut Vec<String>, text: &mut String) {
    let folder = tempfile::tempdir().unwrap();
    let arguments: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
    let output = bare(folder.path(), &arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    let help = String::from_utf8(output.stdout).unwrap();
    // What all commands of a family have in common stands with the family alone.
    let own =
        if command.len() > 1 { help.split("\n  -o, --output").next().unwrap_or_default() } else { &help };
    let lines: Vec<&str> = own.trim_end().lines().map(str::trim_end).collect();
    text.push_str(&format!("$ muster {}\n{}\n\n", arguments.join(" "), lines.join("\n")));
    let commands = help.split("\nCommands:\n").nth(1).unwrap_or_default();
    let names = commands.lines().take_while(|line| !line.is_empty());
    let names =
        names.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty()));
    for name in names.filter(|name| *name != "help") {
        command.push(name.to_owned());
        collect(command, text);
        command.pop();
    }
}
