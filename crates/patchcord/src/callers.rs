//! The users that callers have to be, from their file.

use std::path::Path;

use session_core::message::Method;
use session_core::{Authentication, Builder, Secret, Users};

use crate::args::{CallersArgs, Challenge};
use crate::exit::Failure;

/// Has callers asked who they are, if there are users.
pub(crate) fn configure(builder: Builder, args: &CallersArgs) -> Result<Builder, Failure> {
    let (Some(file), Some(realm)) = (&args.users, &args.realm) else { return Ok(builder) };
    let mut authentication = Authentication::new(realm.as_str(), read(file)?);
    if args.challenge == Challenge::Transfers {
        authentication.methods = vec![Method::Refer];
    }
    Ok(builder.authentication(authentication))
}

fn read(file: &Path) -> Result<Users, Failure> {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::environment(format!("--users {name}: {error}")))?;
    users(&text).map_err(|reason| Failure::usage(format!("--users {name}: {reason}")))
}

fn users(text: &str) -> Result<Users, String> {
    let mut users = Users::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // A password may hold colons; a user name cannot (RFC 7616 §3.4.2).
        let (user, password) = line
            .split_once(':')
            .filter(|(user, password)| !user.is_empty() && !password.is_empty())
            .ok_or_else(|| format!("line {number} is not USER:PASSWORD"))?;
        users.add(user, Secret::password(password)).map_err(|error| format!("line {number}: {error}"))?;
    }
    if users.is_empty() { Err("there is no user in it, and nobody could call".to_owned()) } else { Ok(users) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_stand_one_a_line_with_passwords_that_may_hold_colons() {
        let read = users("# the team\nalice:one\n\n  bob:two:three  \nalice:four\n").expect("users");
        assert_eq!(read.len(), 2);
    }

    #[test]
    fn a_line_that_is_no_user_is_named_and_not_shown() {
        for (text, line) in [("alice:one\nsecret\n", 2), (":secret", 1), ("alice:\nbob:secret", 1)] {
            let reason = users(text).expect_err(text);
            assert_eq!(reason, format!("line {line} is not USER:PASSWORD"));
        }
    }

    #[test]
    fn a_file_without_users_is_refused() {
        assert!(users("# nobody\n").expect_err("nobody").contains("no user"));
    }
}
