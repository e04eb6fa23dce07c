//! What can be asked for, what is told while it is done, and how it ends.

use std::{
    io::{self, Read},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};
use tokio::{runtime::Handle, sync::mpsc, task::JoinHandle};

use super::{
    Place, backup, inspection,
    objects::{self, SetOwner, Wanted},
    root_key,
    trail::{self, Export},
    verify,
};
use crate::{config, report::Report, root_key_verbs::Rotate};

/// How many replies wait for whoever reads them; more wait to be told.
const REPLIES: usize = 64;

/// What an operator wants.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Verb {
    /// Write a backup.
    Backup {
        /// A new file, with its whole path.
        file: PathBuf,
    },
    /// Read and check everything.
    Verify,
    /// Follow the chains of the audit trail.
    AuditVerify,
    /// Print events.
    AuditExport(Export),
    /// Remove old events.
    AuditPrune {
        /// How old they are at least, in days.
        older_than: u32,
    },
    /// List objects.
    ObjectList(Wanted),
    /// Show one object.
    ObjectShow {
        /// Its identifier.
        identifier: String,
        /// In JSON.
        json: bool,
    },
    /// Give objects to somebody else.
    ObjectSetOwner(SetOwner),
    /// Tell what the root key is, and what is under it.
    RootKeyStatus,
    /// Tell how the server is; a line of JSON.
    Inspect,
    /// Change the root key, or seal anew what an earlier change has left.
    RootKeyRotate {
        /// Whether it is changed.
        what: Rotate,
        /// What the command's configuration says of root keys; the server's may be older.
        section: Box<config::RootKey>,
    },
}

/// What came of a verb that was carried out.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Finding {
    /// Everything is as it should be.
    Sound,
    /// Something is not; what, was told.
    Damage,
}

/// One message to whoever asked.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    /// How far it is.
    Progress {
        /// What is done.
        what: String,
        /// How much of it.
        done: u64,
        /// How much there is, if that is known.
        total: Option<u64>,
    },
    /// A line for standard output.
    Line(String),
    /// It is carried out.
    End(Finding),
    /// It could not be carried out.
    Failed(String),
}

/// Tells whoever asked.
#[derive(Clone)]
pub(super) struct Teller(mpsc::Sender<Reply>);

impl Teller {
    /// Tells a line; waits until there is room for it.
    pub(super) async fn line(&self, line: impl Into<String> + Send) -> Result<(), Report> {
        let sent = self.0.send(Reply::Line(line.into())).await;
        sent.map_err(|_| Report::new("nobody listens any more"))
    }

    /// Tells how far it is, unless something else is still being read.
    pub(super) fn progress(&self, what: &str, done: u64, total: Option<u64>) {
        // The next one will say more.
        let _ = self.0.try_send(Reply::Progress { what: what.to_owned(), done, total });
    }

    /// Lets reading end early when nobody listens any more.
    pub(super) fn while_listening<R: Read>(&self, input: R) -> impl Read + use<R> {
        Listening { input, teller: self.0.clone() }
    }
}

struct Listening<R> {
    input: R,
    teller: mpsc::Sender<Reply>,
}

impl<R: Read> Read for Listening<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.teller.is_closed() {
            return Err(io::Error::other("nobody listens any more"));
        }
        self.input.read(buffer)
    }
}

/// Begins to carry a verb out on a thread of its own: it computes more than it waits. It ends early,
/// with nothing half done, when what it returns first is dropped.
pub(super) fn begin(
    place: Place,
    verb: Verb,
    user: String,
) -> (mpsc::Receiver<Reply>, JoinHandle<()>) {
    let (replies, told) = mpsc::channel(REPLIES);
    let runtime = Handle::current();
    let working = tokio::task::spawn_blocking(move || {
        runtime.block_on(async move {
            let teller = Teller(replies.clone());
            let outcome = tokio::select! {
                biased;
                outcome = carry_out(&place, verb, &user, &teller) => outcome,
                () = replies.closed() => return,
            };
            let last = match outcome {
                Ok(finding) => Reply::End(finding),
                Err(report) => Reply::Failed(report.to_string()),
            };
            // Who has gone away does not want to know.
            let _ = replies.send(last).await;
        });
    });
    (told, working)
}

async fn carry_out(
    place: &Place,
    verb: Verb,
    user: &str,
    teller: &Teller,
) -> Result<Finding, Report> {
    match verb {
        Verb::Backup { file } => backup::back_up(place, &file, user, teller).await,
        Verb::Verify => verify::store(place, teller).await,
        Verb::AuditVerify => verify::trail(place, teller).await,
        Verb::AuditExport(export) => trail::export(place, &export, user, teller).await,
        Verb::AuditPrune { older_than } => trail::prune(place, older_than, user, teller).await,
        Verb::ObjectList(wanted) => objects::list(place, &wanted, user, teller).await,
        Verb::ObjectShow { identifier, json } => {
            objects::show(place, &identifier, json, user, teller).await
        }
        Verb::ObjectSetOwner(change) => objects::set_owner(place, &change, user, teller).await,
        Verb::Inspect => inspection::tell(place, teller).await,
        Verb::RootKeyStatus => root_key::status(place, teller).await,
        Verb::RootKeyRotate { what, section } => {
            root_key::rotate(place, &section, what, user, teller).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_is_one_line_of_json_and_back() {
        for (verb, expected) in [
            (Verb::Verify, r#""verify""#),
            (Verb::Backup { file: "/b".into() }, r#"{"backup":{"file":"/b"}}"#),
            (Verb::AuditPrune { older_than: 3 }, r#"{"audit_prune":{"older_than":3}}"#),
        ] {
            let text = serde_json::to_string(&verb).unwrap();
            assert_eq!(text, expected);
            assert_eq!(serde_json::from_str::<Verb>(&text).unwrap(), verb);
        }
        assert!(serde_json::from_str::<Verb>(r#"{"backup":{"file":"/b","more":1}}"#).is_err());
        assert!(serde_json::from_str::<Verb>(r#""format_disk""#).is_err());
    }

    #[test]
    fn reading_ends_when_nobody_listens() {
        let (replies, told) = mpsc::channel(1);
        let mut input = Teller(replies).while_listening(&b"ab"[..]);
        let mut byte = [0];
        assert!(input.read(&mut byte).is_ok());
        drop(told);
        assert!(input.read(&mut byte).is_err());
    }
}
