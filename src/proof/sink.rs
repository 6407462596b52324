//! Where checkpoints and erasures are kept outside: a file to which lines are only ever added, or an address. Never changes
//! or removes what is there.

use crate::config::SinkConfig;
use crate::store::checkpoints::Signed;
use crate::tls;
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An address is given so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where lines go.
#[derive(Debug, Clone)]
pub struct Sink {
    place: Place,
    name: String,
}

#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    Address { http: reqwest::Client, url: SecretString },
}

/// The lines of a sink as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lines {
    /// Oldest first.
    Read(Vec<String>),
    /// It only takes.
    NotReadable,
}

/// What a sink has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// Its lines, oldest first; what is no checkpoint stands as the number of its line.
    Lines(Vec<Result<Signed, usize>>),
    /// It only takes.
    NotReadable,
}

impl Sink {
    /// The sink of an installation's checkpoints. Nothing is written.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn new(config: &SinkConfig, installation: &str) -> Result<Self, String> {
        Self::beside(config, "checkpoints", installation)
    }

    /// A sink of lines of that kind, in a file of their own or at the same address. Nothing is written.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn beside(config: &SinkConfig, kind: &str, installation: &str) -> Result<Self, String> {
        Ok(match config {
            SinkConfig::Folder(folder) => {
                let file = folder.join(format!("{kind}.{installation}.jsonl"));
                Self { name: file.display().to_string(), place: Place::File(file) }
            }
            SinkConfig::Address(url) => {
                tls::choose();
                let http = reqwest::Client::builder().timeout(PATIENCE).redirect(Policy::none()).build();
                let http = http.map_err(|e| format!("the HTTP client of the sink cannot be made: {e}"))?;
                Self {
                    name: "the address of CHECKPOINT_SINK".to_owned(),
                    place: Place::Address { http, url: url.clone() },
                }
            }
        })
    }

    /// How people know it; no secret.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Publishes a checkpoint: it is there for good when this returns.
    ///
    /// # Errors
    /// It was not taken; the text says why.
    pub async fn publish(&self, checkpoint: &Signed) -> Result<(), String> {
        self.add_line(serde_json::to_string(checkpoint).map_err(|e| e.to_string())?).await
    }

    /// Adds one line: it is there for good when this returns.
    ///
    /// # Errors
    /// It was not taken; the text says why.
    pub async fn add_line(&self, mut line: String) -> Result<(), String> {
        match &self.place {
            Place::File(path) => {
                line.push('\n');
                let (path, name) = (path.clone(), self.name.clone());
                let added = tokio::task::spawn_blocking(move || add(&path, &line)).await;
                added.map_err(|e| e.to_string())?.map_err(|e| format!("{name}: {e}"))
            }
            Place::Address { http, url } => {
                let request = http.post(url.expose_secret()).header("content-type", "application/json").body(line);
                let answer = request.send().await.map_err(|e| e.without_url().to_string())?;
                if answer.status().is_success() { Ok(()) } else { Err(format!("the answer was {}", answer.status())) }
            }
        }
    }

    /// What it has.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn contents(&self) -> Result<Contents, String> {
        match &self.place {
            Place::File(path) => read(path).map(Contents::Lines).map_err(|e| format!("{}: {e}", self.name)),
            Place::Address { .. } => Ok(Contents::NotReadable),
        }
    }

    /// Its lines as they are; a file that is not there has none.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn lines(&self) -> Result<Lines, String> {
        match &self.place {
            Place::File(path) => read_lines(path).map(Lines::Read).map_err(|e| format!("{}: {e}", self.name)),
            Place::Address { .. } => Ok(Lines::NotReadable),
        }
    }
}

impl Contents {
    /// The last checkpoint that it has and that verifies.
    pub fn last(self) -> Option<Signed> {
        match self {
            Self::Lines(lines) => lines.into_iter().rev().flatten().find(|signed| signed.open().is_ok()),
            Self::NotReadable => None,
        }
    }
}

/// The checkpoints of a file; a file that is not there has none.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<Result<Signed, usize>>> {
    let lines = (1..).zip(read_lines(path)?).filter(|(_, line)| !line.is_empty());
    Ok(lines.map(|(number, line)| serde_json::from_str(&line).map_err(|_| number)).collect())
}

/// The lines of a file; one that is not there has none.
///
/// # Errors
/// It cannot be read.
pub fn read_lines(path: &Path) -> io::Result<Vec<String>> {
    match fs::read_to_string(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        text => Ok(text?.lines().map(str::to_owned).collect()),
    }
}

fn add(path: &Path, line: &str) -> io::Result<()> {
    let is_new = !path.exists();
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    if !ends_with_a_line(&mut file)? {
        // A crash cut the last line off: it stays, as what it is, and the new one begins on its own.
        file.write_all(b"\n")?;
    }
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    if is_new && let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn ends_with_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
