//! Which campaigns are alive, and the sweep of what dead ones left behind.
//!
//! Every campaign holds a folder under `<output>/.live/` with a lock file it
//! keeps locked; the kernel releases the lock however the campaign ends. Every
//! process a campaign starts carries its id in [`CAMPAIGN_VARIABLE`]. A folder
//! whose lock is free therefore belongs to a dead campaign, and a process is a
//! left-over only if it names exactly that campaign: nothing else is touched.
//! What a dead campaign noted there to be undone is undone before its folder goes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use procfs::process::all_processes;
use tokio_util::sync::CancellationToken;

use super::pledge::{is_any_open, keep_those_of_dead};

/// The environment variable that marks a campaign's processes.
pub const CAMPAIGN_VARIABLE: &str = "MESHBENCH_CAMPAIGN";

const LIVE_FOLDER: &str = ".live";
const LOCK_FILE: &str = "lock";

/// How long a killed left-over may take to disappear.
const SWEEP_LIMIT: Duration = Duration::from_secs(10);

/// How long a process that was just killed may take to disappear by itself.
const GOING_LIMIT: Duration = Duration::from_secs(1);
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// How often in succession no process must be seen before none is taken to be there.
const LOOKS: u32 = 2;
/// How long one without an environment is waited for: while a process is about to run another program, it has none.
const STARTING_LIMIT: Duration = Duration::from_millis(200);

/// A campaign's claim to be alive, with a scratch folder for its run time.
///
/// The scratch folder holds keys, rendered configurations, sockets and logs
/// while processes run. It goes when the value is dropped.
#[derive(Debug)]
pub struct LiveCampaign {
    id: String,
    scratch: PathBuf,
    _lock: Held,
}

/// A lock on a file, given free when dropped. Closing the file would not do: a child that is being started has the same
/// file open until it runs its program.
#[derive(Debug)]
struct Held(File);

impl Drop for Held {
    fn drop(&mut self) {
        // The kernel gives it free with the last who has the file open.
        let _: io::Result<()> = self.0.unlock();
    }
}

/// What a sweep found and ended.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Swept {
    /// The ids of dead campaigns whose folders were removed.
    pub campaigns: Vec<String>,
    /// Left-over processes that were killed, as `name (pid)`.
    pub processes: Vec<String>,
    /// The subjects of pledges that were kept, such as clusters that were removed.
    pub undone: Vec<String>,
    /// What could not be ended or removed, each in a sentence.
    pub left: Vec<String>,
}

impl LiveCampaign {
    /// Claims `id` under `output`, creating the scratch folder.
    ///
    /// # Errors
    /// The file system's, when the folder or its lock cannot be made.
    pub fn claim(output: &Path, id: &str) -> io::Result<Self> {
        let live = output.join(LIVE_FOLDER);
        fs::create_dir_all(&live)?;
        // Held while a folder exists that is not locked yet, so that a sweep
        // going on at the same moment does not take it for a dead one.
        let registry = lock_registry(&live)?;
        let scratch = live.join(id);
        fs::create_dir(&scratch)?;
        let lock = File::create(scratch.join(LOCK_FILE))?;
        lock.lock()?;
        drop(registry);
        Ok(Self { id: id.to_owned(), scratch: fs::canonicalize(scratch)?, _lock: Held(lock) })
    }

    /// The campaign's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The folder for everything that is needed only while processes run.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// Kills whatever still carries this campaign's mark, and names it.
    ///
    /// After an orderly teardown this finds nothing; a proxy that moved itself
    /// into another process group is caught here.
    #[must_use]
    pub fn end_stragglers(&self) -> Vec<String> {
        // What was killed a moment ago may still be going.
        let deadline = Instant::now() + GOING_LIMIT;
        while Instant::now() < deadline && !marked_processes(CAMPAIGN_VARIABLE, &self.id).is_empty() {
            std::thread::park_timeout(POLL_INTERVAL);
        }

        kill_marked(CAMPAIGN_VARIABLE, &self.id).ended
    }
}

impl Drop for LiveCampaign {
    fn drop(&mut self) {
        if is_any_open(&self.scratch) || !marked_processes(CAMPAIGN_VARIABLE, &self.id).is_empty() {
            // The next start's sweep finds them by the folder.
            return;
        }
        // A sweep going on meanwhile must not find the folder half removed.
        let _registry = self.scratch.parent().map(lock_registry);
        // What cannot be removed now is removed by the next start's sweep.
        let _: io::Result<()> = fs::remove_dir_all(&self.scratch);
    }
}

/// Ends the processes of campaigns under `output` that died, undoes what they had pledged to undo, and removes their
/// folders. What is undone is said to `announce` before, for it may take minutes; `cancelled` leaves it to the next sweep.
///
/// # Errors
/// The file system's, when the register of live campaigns cannot be read.
pub async fn sweep(
    output: &Path,
    cancelled: &CancellationToken,
    announce: &mut dyn FnMut(&str),
) -> io::Result<Swept> {
    let live = output.join(LIVE_FOLDER);
    let mut swept = Swept::default();
    if !live.is_dir() {
        return Ok(swept);
    }
    for dead in DeadCampaign::all_in(&live)? {
        let killed = kill_marked(CAMPAIGN_VARIABLE, &dead.id);
        swept.processes.extend(killed.ended);
        if !killed.left.is_empty() {
            // Its folder stays, so that the next sweep looks for them again.
            let sentence = |process: &String| format!("{process} does not die");
            swept.left.extend(killed.left.iter().map(sentence));
            continue;
        }
        let kept = keep_those_of_dead(&dead.folder, cancelled, announce).await?;
        swept.undone.extend(kept.undone);
        if !kept.left.is_empty() {
            swept.left.extend(kept.left);
            continue;
        }
        // Another sweep must not find the folder half removed.
        let _registry = lock_registry(&live)?;
        match fs::remove_dir_all(&dead.folder) {
            Ok(()) => swept.campaigns.push(dead.id),
            Err(error) => {
                swept.left.push(format!("{} cannot be removed: {error}", dead.folder.display()));
            }
        }
    }
    Ok(swept)
}

/// A campaign that died, held by its lock so that no other sweep takes it too: undoing what it did may take minutes, which
/// the register of all campaigns must not be kept for.
struct DeadCampaign {
    id: String,
    folder: PathBuf,
    _lock: Held,
}

impl DeadCampaign {
    fn all_in(live: &Path) -> io::Result<Vec<Self>> {
        let _registry = lock_registry(live)?;
        let mut dead = Vec::new();
        for entry in fs::read_dir(live)? {
            let entry = entry?;
            if !entry.file_type()?.is_dir() {
                continue;
            }
            let folder = entry.path();
            // It is missing where a campaign was killed between creating the folder and its lock.
            let lock = OpenOptions::new().create(true).append(true).open(folder.join(LOCK_FILE))?;
            match lock.try_lock() {
                Ok(()) => {
                    let id = entry.file_name().to_string_lossy().into_owned();
                    dead.push(Self { id, folder, _lock: Held(lock) });
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(dead)
    }
}

fn lock_registry(live: &Path) -> io::Result<Held> {
    let registry = File::create(live.join("register.lock"))?;
    registry.lock()?;
    Ok(Held(registry))
}

/// Kills every process whose `variable` is `mark` and waits until it is gone.
pub(super) fn kill_marked(variable: &str, mark: &str) -> Killed {
    let mut seen = Vec::new();
    let (mut empty_looks, mut last_seen) = (0, Instant::now());
    let deadline = last_seen + SWEEP_LIMIT;
    loop {
        let Look { marked, is_any_starting } = look(variable, mark);
        let labels: Vec<_> = marked.iter().map(|(pid, name)| format!("{name} ({pid})")).collect();
        if !marked.is_empty() {
            last_seen = Instant::now();
        }
        let may_be_more = is_any_starting && last_seen.elapsed() < STARTING_LIMIT;
        empty_looks = if marked.is_empty() && !may_be_more { empty_looks + 1 } else { 0 };
        if empty_looks == LOOKS || Instant::now() > deadline {
            seen.retain(|label| !labels.contains(label));
            return Killed { ended: seen, left: labels };
        }
        for (pid, _) in marked {
            // Gone in between is as good as killed.
            let _: Result<(), nix::Error> = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        seen.extend(labels.into_iter().filter(|label| !seen.contains(label)).collect::<Vec<_>>());
        std::thread::park_timeout(POLL_INTERVAL);
    }
}

/// What became of left-over processes, each as `name (pid)`.
pub(super) struct Killed {
    /// Those that are gone.
    pub(super) ended: Vec<String>,
    /// Those that do not die.
    pub(super) left: Vec<String>,
}

fn marked_processes(variable: &str, mark: &str) -> Vec<(i32, String)> {
    look(variable, mark).marked
}

/// What is seen of all processes at once.
struct Look {
    /// Those with the mark, by id and name.
    marked: Vec<(i32, String)>,
    /// Whether one may have a mark that cannot be read yet.
    is_any_starting: bool,
}

fn look(variable: &str, mark: &str) -> Look {
    let own = nix::unistd::getpid().as_raw();
    let mut look = Look { marked: Vec::new(), is_any_starting: false };
    for process in all_processes().into_iter().flatten().flatten().filter(|process| process.pid != own) {
        let (Ok(environment), Ok(stat)) = (process.environ(), process.stat()) else { continue };
        if environment.get(std::ffi::OsStr::new(variable)).is_some_and(|value| value == mark) {
            look.marked.push((process.pid, stat.comm));
        }
        // The kernel's own threads and those that have ended have no memory either.
        look.is_any_starting |= environment.is_empty() && stat.vsize > 0;
    }
    look
}

#[cfg(test)]
mod tests {
    use super::super::{Errand, Pledge};
    use super::*;
    use std::process::{Child, Command};

    fn marked_sleep(campaign: &str) -> Child {
        Command::new("sleep").arg("600").env(CAMPAIGN_VARIABLE, campaign).spawn().unwrap()
    }

    /// A campaign that died: its folder is there, its lock is not held.
    fn leave_dead(output: &Path, id: &str) {
        let campaign = LiveCampaign::claim(output, id).unwrap();
        let LiveCampaign { _lock: Held(ref lock), .. } = campaign;
        lock.unlock().unwrap();
        std::mem::forget(campaign);
    }

    async fn sweep_of(output: &Path) -> io::Result<Swept> {
        sweep(output, &CancellationToken::new(), &mut |_| {}).await
    }

    #[tokio::test]
    async fn a_dead_campaign_is_swept_and_a_live_one_is_not() {
        let output = tempfile::tempdir().unwrap();
        let (dead_id, live_id) = ("sweep-test-dead", "sweep-test-live");
        leave_dead(output.path(), dead_id);
        let live = LiveCampaign::claim(output.path(), live_id).unwrap();
        let mut dead_process = marked_sleep(dead_id);
        let mut live_process = marked_sleep(live_id);

        let reaper = std::thread::spawn(move || dead_process.wait().unwrap());
        let swept = sweep_of(output.path()).await.unwrap();

        assert_eq!(swept.campaigns, [dead_id]);
        assert_eq!(swept.processes.len(), 1, "{swept:?}");
        assert!(!reaper.join().unwrap().success());
        assert!(live_process.try_wait().unwrap().is_none(), "a live campaign's process was ended");
        assert!(live.scratch().is_dir());
        assert_eq!(live.end_stragglers().len(), 1);
        live_process.wait().unwrap();
    }

    #[tokio::test]
    async fn a_folder_without_a_lock_is_a_dead_campaign() {
        let output = tempfile::tempdir().unwrap();
        fs::create_dir_all(output.path().join(LIVE_FOLDER).join("half-made")).unwrap();
        assert_eq!(sweep_of(output.path()).await.unwrap().campaigns, ["half-made"]);
    }

    #[tokio::test]
    async fn nothing_to_sweep_is_not_an_error() {
        let output = tempfile::tempdir().unwrap();
        assert_eq!(sweep_of(output.path()).await.unwrap(), Swept::default());
        assert_eq!(sweep_of(&output.path().join("missing")).await.unwrap(), Swept::default());
    }

    #[test]
    fn an_ended_campaign_leaves_no_folder() {
        let output = tempfile::tempdir().unwrap();
        let campaign = LiveCampaign::claim(output.path(), "short").unwrap();
        let scratch = campaign.scratch().to_owned();
        drop(campaign);
        assert!(!scratch.exists());
    }

    /// A campaign that died with a pledge that `script` keeps.
    fn leave_pledge(output: &Path, id: &str, script: &str) {
        let campaign = LiveCampaign::claim(output, id).unwrap();
        let undo = Errand {
            subject: format!("cluster-of-{id}"),
            command: ["sh", "-c", script].map(str::to_owned).to_vec(),
            directory: output.to_owned(),
            environment: Vec::new(),
            log: output.join("results-that-were-removed").join("log"),
            cores: super::super::Placement::of_this_machine().unwrap().all(),
        };
        Pledge::give(&campaign, undo).unwrap();
        drop(campaign);
    }

    #[tokio::test]
    async fn what_a_dead_campaign_pledged_to_undo_is_undone() {
        let output = tempfile::tempdir().unwrap();
        leave_pledge(output.path(), "errand-dead", "touch undone");
        let mut doing = Command::new("sleep")
            .arg("600")
            .env("MESHBENCH_ERRAND", "cluster-of-errand-dead")
            .spawn()
            .unwrap();
        let reaper = std::thread::spawn(move || doing.wait().unwrap());
        let mut announced = Vec::new();
        let mut announce = |what: &str| {
            // Others are not kept waiting while it is undone.
            drop(LiveCampaign::claim(output.path(), "another").unwrap());
            announced.push(what.to_owned());
        };
        let swept = sweep(output.path(), &CancellationToken::new(), &mut announce).await.unwrap();
        assert_eq!(swept.undone, ["cluster-of-errand-dead"]);
        assert_eq!(announced, swept.undone);
        assert_eq!((swept.campaigns.len(), swept.left.len()), (1, 0), "{swept:?}");
        assert!(!reaper.join().unwrap().success(), "what was doing it is still doing it");
        assert!(output.path().join("undone").exists());
    }

    #[tokio::test]
    async fn what_cannot_be_undone_is_said_and_tried_again() {
        let output = tempfile::tempdir().unwrap();
        leave_pledge(output.path(), "errand-fails", "test -e room");
        let swept = sweep_of(output.path()).await.unwrap();
        let left = swept.left.join("\n").replace(&output.path().display().to_string(), "OUTPUT");
        insta::assert_snapshot!(left, @r"
        cluster-of-errand-fails is not removed: `sh -c test -e room` failed (exit status: 1); the last lines of its log:
            | $ sh -c test -e room
        the next start and `meshbench clean` try again; if it is gone already, remove OUTPUT/.live/errand-fails/cluster-of-errand-fails.undo.json
        ");
        std::fs::write(output.path().join("room"), "").unwrap();
        assert_eq!(sweep_of(output.path()).await.unwrap().undone, ["cluster-of-errand-fails"]);
    }
}
