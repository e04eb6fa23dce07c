//! What one directory says about a user.

use std::{
    collections::HashMap,
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hyper::{StatusCode, body::Bytes};
use serde_json::Value;
use thiserror::Error;
use tokio::time::{Instant, timeout};

use crate::{base::Base, fetch::fetch};

/// How many users are remembered before all are forgotten.
const REMEMBERED: usize = 1_024;

/// Why a directory confirms nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LookupError {
    /// The user's name cannot be asked for.
    #[error("the user's name cannot be asked for")]
    NoName,
    /// There is no connection.
    #[error("there is no connection: {0}")]
    NoConnection(io::ErrorKind),
    /// It did not answer in time.
    #[error("the directory did not answer in time")]
    TimedOut,
    /// What came is no HTTP answer, or too long.
    #[error("the directory gave no answer")]
    NoAnswer,
    /// There is no such user.
    #[error("the directory does not know the user")]
    Unknown,
    /// It answered with another status than success.
    #[error("the directory answered with status {0}")]
    Status(u16),
    /// The groups are not in the answer.
    #[error("the directory's answer has no list of names as its member groups")]
    NoGroups,
}

/// A directory of users and their groups.
#[derive(Debug)]
pub struct Directory {
    base: Base,
    timeout: Duration,
    remember: Duration,
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Debug)]
struct Known {
    until: Instant,
    groups: Vec<String>,
}

impl Directory {
    /// Makes a directory that is given `timeout` for each answer, and whose confirmations count for
    /// as long as `remember`.
    #[must_use]
    pub fn new(base: Base, timeout: Duration, remember: Duration) -> Self {
        Self { base, timeout, remember, known: Mutex::default() }
    }

    /// Returns a user's groups, if the user is there.
    ///
    /// # Errors
    /// Everything but a clear yes.
    pub async fn groups(&self, user: &str) -> Result<Vec<String>, LookupError> {
        let asked = Instant::now();
        if let Some(groups) = self.remembered(user, asked) {
            return Ok(groups);
        }
        self.ask(user, "").await?;
        let groups = groups_in(&self.ask(user, "/groups").await?)?;
        if let Some(until) = asked.checked_add(self.remember).filter(|until| *until > asked) {
            // A map is whole after every call, so a panic elsewhere does not matter.
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= REMEMBERED {
                known.clear();
            }
            known.insert(user.to_owned(), Known { until, groups: groups.clone() });
        }
        Ok(groups)
    }

    fn remembered(&self, user: &str, now: Instant) -> Option<Vec<String>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(user).filter(|known| now < known.until).map(|known| known.groups.clone())
    }

    async fn ask(&self, user: &str, rest: &str) -> Result<Bytes, LookupError> {
        let path = self.base.path_of(user, rest).ok_or(LookupError::NoName)?;
        let answer = timeout(self.timeout, fetch(&self.base, path));
        let (status, body) = answer.await.map_err(|_| LookupError::TimedOut)??;
        match status {
            StatusCode::NOT_FOUND => Err(LookupError::Unknown),
            // PyKMIP takes every other status for a yes; an error of the directory is none.
            status if !status.is_success() => Err(LookupError::Status(status.as_u16())),
            _ => Ok(body),
        }
    }
}

/// Reads the member `groups` of an answer. It never panics, whatever the bytes are.
///
/// # Errors
/// It is no list of names.
pub fn groups_in(body: &[u8]) -> Result<Vec<String>, LookupError> {
    let value: Value = serde_json::from_slice(body).map_err(|_| LookupError::NoGroups)?;
    let groups = value.get("groups").and_then(Value::as_array).ok_or(LookupError::NoGroups)?;
    let names = groups.iter().map(|group| group.as_str().map(str::to_owned));
    names.collect::<Option<_>>().ok_or(LookupError::NoGroups)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use tokio::{
        io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
        net::TcpListener,
    };

    use super::*;

    /// A directory in this process: answers each path from a table, and others with 404.
    pub(crate) struct StandIn {
        pub(crate) base: Base,
        asked: Arc<Mutex<Vec<String>>>,
    }

    impl StandIn {
        pub(crate) async fn start(answers: &[(&str, &str)]) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let asked = Arc::new(Mutex::new(Vec::new()));
            let heard = Arc::clone(&asked);
            let answers: HashMap<String, String> =
                answers.iter().map(|(path, answer)| ((*path).into(), (*answer).into())).collect();
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let mut stream = BufReader::new(stream);
                    let mut lines = Vec::new();
                    loop {
                        let mut line = String::new();
                        let size = stream.read_line(&mut line).await.unwrap();
                        if size == 0 || line == "\r\n" {
                            break;
                        }
                        lines.push(line.trim().to_owned());
                    }
                    let path = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap();
                    let answer = answers.get(path).map_or(NOT_FOUND, String::as_str);
                    heard.lock().unwrap().push(path.to_owned());
                    if answer == SILENCE {
                        // Kept open, and never answered.
                        std::mem::forget(stream);
                        continue;
                    }
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
            Self { base: Base::parse(&format!("http://{address}/slugs")).unwrap(), asked }
        }

        pub(crate) fn directory(&self, remember: Duration) -> Directory {
            Directory::new(self.base.clone(), Duration::from_secs(10), remember)
        }

        pub(crate) fn asked(&self) -> Vec<String> {
            self.asked.lock().unwrap().clone()
        }
    }

    pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    pub(crate) const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    pub(crate) const SILENCE: &str = "";

    pub(crate) fn json(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    const NEVER: Duration = Duration::ZERO;

    #[tokio::test]
    async fn a_user_of_the_directory_has_the_groups_it_gives() {
        let groups = json(r#"{"groups": ["a", "b"], "more": 1}"#);
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n{\"groups\": []}\r\n0\r\n\r\n";
        let until_close = "HTTP/1.0 200 OK\r\n\r\n{\"groups\": [\"c\"]}";
        let stand_in = StandIn::start(&[
            ("/slugs/users/John%20Doe", OK),
            ("/slugs/users/John%20Doe/groups", &groups),
            ("/slugs/users/bob", OK),
            ("/slugs/users/bob/groups", chunked),
            ("/slugs/users/eve", until_close),
            ("/slugs/users/eve/groups", until_close),
        ])
        .await;
        let directory = stand_in.directory(NEVER);
        assert_eq!(directory.groups("John Doe").await.unwrap(), ["a", "b"]);
        assert_eq!(stand_in.asked(), ["/slugs/users/John%20Doe", "/slugs/users/John%20Doe/groups"]);
        assert_eq!(directory.groups("bob").await.unwrap(), [""; 0]);
        assert_eq!(directory.groups("eve").await.unwrap(), ["c"]);
    }

    #[tokio::test]
    async fn everything_but_a_clear_yes_is_a_no() {
        let error = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n";
        let moved = "HTTP/1.1 302 Found\r\nLocation: /slugs/users/a\r\nContent-Length: 0\r\n\r\n";
        let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", " ".repeat(300_000));
        let bodies = [
            "",
            "x",
            "[]",
            "{}",
            r#"{"groups": null}"#,
            r#"{"groups": "a"}"#,
            r#"{"groups": [1]}"#,
        ];
        let mut answers = vec![
            ("/slugs/users/half".to_owned(), OK.to_owned()),
            ("/slugs/users/error".to_owned(), error.to_owned()),
            ("/slugs/users/moved".to_owned(), moved.to_owned()),
            ("/slugs/users/junk".to_owned(), "junk\r\n\r\n".to_owned()),
            ("/slugs/users/endless".to_owned(), endless),
        ];
        for (position, body) in bodies.iter().enumerate() {
            answers.push((format!("/slugs/users/{position}"), OK.to_owned()));
            answers.push((format!("/slugs/users/{position}/groups"), json(body)));
        }
        let answers: Vec<(&str, &str)> =
            answers.iter().map(|(path, answer)| (path.as_str(), answer.as_str())).collect();
        let stand_in = StandIn::start(&answers).await;
        let directory = stand_in.directory(Duration::from_secs(1));
        for (user, expected) in [
            ("nobody", LookupError::Unknown),
            ("half", LookupError::Unknown),
            ("error", LookupError::Status(500)),
            ("moved", LookupError::Status(302)),
            ("junk", LookupError::NoAnswer),
            ("endless", LookupError::NoAnswer),
            ("..", LookupError::NoName),
        ] {
            assert_eq!(directory.groups(user).await, Err(expected), "{user}");
        }
        for (position, body) in bodies.iter().enumerate() {
            let groups = directory.groups(&position.to_string()).await;
            assert_eq!(groups, Err(LookupError::NoGroups), "{body}");
        }
        assert!(directory.known.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_directory_that_is_not_there_or_silent_is_a_no() {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let base = Base::parse(&format!("http://{closed}")).unwrap();
        let directory = Directory::new(base, Duration::from_secs(10), NEVER);
        let refused = LookupError::NoConnection(io::ErrorKind::ConnectionRefused);
        assert_eq!(directory.groups("a").await, Err(refused));

        let stand_in = StandIn::start(&[("/slugs/users/a", SILENCE)]).await;
        let directory = Directory::new(stand_in.base.clone(), Duration::from_millis(20), NEVER);
        assert_eq!(directory.groups("a").await, Err(LookupError::TimedOut));
    }

    #[tokio::test]
    async fn a_confirmation_counts_for_a_moment() {
        let groups = json(r#"{"groups": ["a"]}"#);
        let answers = [("/slugs/users/a", OK), ("/slugs/users/a/groups", &*groups)];
        for (remember, questions) in [(NEVER, 4), (Duration::from_hours(1), 2)] {
            let stand_in = StandIn::start(&answers).await;
            let directory = stand_in.directory(remember);
            for _ in 0..2 {
                assert_eq!(directory.groups("a").await.unwrap(), ["a"]);
            }
            assert_eq!(stand_in.asked().len(), questions, "{remember:?}");
            let now = Instant::now();
            let later = now.checked_add(remember).unwrap();
            assert_eq!(directory.remembered("a", later), None);
            assert_eq!(directory.remembered("a", now).is_some(), remember > NEVER);
        }
    }
}
