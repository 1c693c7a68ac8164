//! The Terraform states of a repository, read where the operator says: who watches a cloud names resources as the cloud does,
//! and only a state leads from there to what is declared.
//!
//! A state is full of secrets, so of what is read only names are kept, and of what goes wrong only how: neither what a command
//! printed nor its complaints leave this module. A command gets nothing of a finding. It is bounded in time and in what it may
//! print, and with it ends everything that it started.

use std::{fs::File, io::Read, process::Stdio, sync::Arc, time::Instant};

use tokio::{io::AsyncReadExt, process, sync::Mutex, time::timeout};

use crate::{
    engine::terraform::state::{Located, State},
    model::{
        refusal::{Code, Refusal},
        resource::CloudId,
    },
    shell::config::states::{Command, Place, Source},
};

/// The longest state that is read, in bytes.
pub const LONGEST: u64 = 64 << 20;

/// The states of one repository.
#[derive(Debug, Default)]
pub struct States(Vec<One>);

#[derive(Debug)]
struct One {
    source: Source,
    /// What a command printed, and when.
    kept: Mutex<Option<(Instant, Arc<State>)>>,
}

/// The states as they are now.
#[derive(Clone, Debug)]
pub struct Known(Vec<Arc<State>>);

impl States {
    /// Those that the operator's configuration names.
    pub fn of(sources: &[Source]) -> Self {
        Self(sources.iter().map(|source| One { source: source.clone(), kept: Mutex::default() }).collect())
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads them. A state that cannot be read refuses all: what it would have told might have been another answer.
    ///
    /// # Errors
    /// `state-unreadable`, with the place in the configuration and the reason.
    pub async fn read(&self) -> Result<Known, Refusal> {
        let mut states = Vec::new();
        for (index, one) in self.0.iter().enumerate() {
            states.push(one.read().await.map_err(|why| unreadable(index, &one.source, &why))?);
        }
        Ok(Known(states))
    }
}

impl Known {
    /// Where a cloud resource is declared.
    ///
    /// # Errors
    /// `owner-not-found`, `owner-ambiguous`.
    pub fn address(&self, id: &CloudId, trace: Option<&str>) -> Result<Located, Refusal> {
        State::address(self.0.iter().map(Arc::as_ref), id, trace)
    }
}

impl One {
    async fn read(&self) -> Result<Arc<State>, String> {
        let state = |text: &[u8]| {
            let read = State::read(text).map_err(|error| error.to_string())?;
            Ok::<_, String>(Arc::new(read.of_stack(self.source.stack.clone())))
        };
        match &self.source.place {
            Place::File(path) => {
                let whole = || -> std::io::Result<Vec<u8>> {
                    let mut text = Vec::new();
                    File::open(path)?.take(LONGEST + 1).read_to_end(&mut text)?;
                    Ok(text)
                };
                let text = whole().map_err(|error| error.to_string())?;
                if text.len() as u64 > LONGEST {
                    return Err(format!("it has more than {} MiB", LONGEST >> 20));
                }
                state(&text)
            }
            Place::Command(command) => {
                // Held all the while: two that need it wait for one run.
                let mut kept = self.kept.lock().await;
                if let Some((_, state)) = kept.as_ref().filter(|(at, _)| at.elapsed() < command.keep) {
                    return Ok(Arc::clone(state));
                }
                let state = state(&output(command, LONGEST).await?)?;
                *kept = Some((Instant::now(), Arc::clone(&state)));
                Ok(state)
            }
        }
    }
}

/// What a command prints, if it ends well within its limits.
async fn output(command: &Command, longest: u64) -> Result<Vec<u8>, String> {
    let program = match command.program.contains('/') {
        true => command.folder.join(&command.program).into_os_string(),
        false => command.program.clone().into(),
    };
    let mut asked = process::Command::new(program);
    asked.args(&command.arguments).current_dir(&command.folder).env_clear();
    asked.envs(command.environment.iter().map(|(name, value)| (name, value.expose())));
    // A group of its own ends as a whole.
    #[cfg(unix)]
    asked.process_group(0);
    // Its complaints may quote the state.
    asked.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = asked.spawn().map_err(|error| format!("it cannot be started: {error}"))?;
    let group = Group::of(&child);
    let stdout = child.stdout.take().expect("it is piped");
    let mut text = Vec::new();
    let run = async {
        stdout.take(longest + 1).read_to_end(&mut text).await?;
        match text.len() as u64 > longest {
            true => Ok(None),
            false => child.wait().await.map(Some),
        }
    };
    let ended = timeout(command.time_limit, run).await;
    drop(group);
    match ended {
        Err(_) => Err(format!("it did not end within {} s", command.time_limit.as_secs())),
        Ok(Err(error)) => Err(format!("it cannot be listened to: {error}")),
        Ok(Ok(None)) => Err(format!("it prints more than {} MiB", longest >> 20)),
        Ok(Ok(Some(status))) if !status.success() => Err(format!("it ends with {status}")),
        Ok(Ok(Some(_))) => Ok(text),
    }
}

/// A command with all that it started; dropping it ends them.
struct Group(Option<u32>);

impl Group {
    fn of(child: &process::Child) -> Self {
        Self(child.id())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.0.and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?)) {
            // An error means that nothing of it is left.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

fn unreadable(index: usize, source: &Source, why: &str) -> Refusal {
    let what = match &source.place {
        Place::File(path) => path.display().to_string(),
        Place::Command(command) => format!("the command {}", command.program),
    };
    let message = format!("the state states[{index}] of the repository ({what}) cannot be read: {why}");
    let hint = "mend that in the server's configuration or in what it names, run it by hand as the server's user, and have the \
                case tried again";
    Refusal::new(Code::StateUnreadable, message, hint)
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::secret::Secret;

    /// How long a test waits for what must not take long.
    const SOON: Duration = Duration::from_secs(5);

    fn shell(script: &str, seconds: u64) -> Command {
        Command {
            program: "sh".to_owned(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            folder: std::env::temp_dir(),
            environment: vec![("PATH".to_owned(), Secret::new("/usr/bin:/bin".to_owned()))],
            time_limit: Duration::from_secs(seconds),
            keep: Duration::from_secs(60),
        }
    }

    fn of(command: Command) -> States {
        States::of(&[Source { place: Place::Command(Box::new(command)), stack: None }])
    }

    #[tokio::test]
    async fn a_command_that_misbehaves_is_a_refusal_with_its_reason_and_nothing_that_it_said() {
        let cases = [
            (shell("echo hunter2 >&2; echo hunter2; exit 3", 5), "it ends with exit status: 3"),
            (shell("kill -9 $$", 5), "it ends with signal: 9"),
            (shell("echo '{\"hunter2\": 1}'", 5), "neither version 4 nor values"),
            (shell("sleep 1000 & sleep 1000", 1), "it did not end within 1 s"),
            (shell("exec 1>&-; sleep 1000", 1), "it did not end within 1 s"),
            (shell("echo hunter2; sleep 1000 &", 1), "it did not end within 1 s"),
            (Command { program: "./no-such-program".to_owned(), ..shell("", 5) }, "it cannot be started: No such file"),
        ];
        for (command, why) in cases {
            let began = Instant::now();
            let refusal = of(command.clone()).read().await.expect_err(why);
            assert_eq!(refusal.code, Code::StateUnreadable);
            assert!(refusal.message.contains(why), "{why}: {}", refusal.message);
            assert!(!format!("{refusal:?}").contains("hunter2"), "{refusal:?}");
            assert!(began.elapsed() < SOON, "{why}");
        }
        let endless = output(&shell("while :; do echo 0123456789; done", 5), 1 << 20).await;
        assert_eq!(endless, Err("it prints more than 1 MiB".to_owned()));
    }

    #[tokio::test]
    async fn what_a_command_printed_is_believed_for_a_while_and_all_that_it_started_ends_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let script = "echo run >> runs; (sleep 2; touch survived) > /dev/null & echo '{\"format_version\": \"1.0\"}'";
        let in_folder = |keep| Command { folder: folder.path().to_owned(), keep, ..shell(script, 5) };
        let runs = || std::fs::read_to_string(folder.path().join("runs")).unwrap_or_default().lines().count();
        let kept = of(in_folder(Duration::from_secs(60)));
        let (one, other) = tokio::join!(kept.read(), kept.read());
        assert!(one.is_ok() && other.is_ok());
        assert_eq!(runs(), 1);
        let fresh = of(in_folder(Duration::ZERO));
        assert!(fresh.read().await.is_ok() && fresh.read().await.is_ok());
        assert_eq!(runs(), 3);
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        assert!(!folder.path().join("survived").exists());
    }

    #[tokio::test]
    async fn a_command_sees_the_variables_that_it_is_given_and_no_others() {
        let mut command = shell("env > seen; echo '{\"format_version\": \"1.0\"}'", 5);
        let folder = tempfile::tempdir().expect("a folder");
        command.folder = folder.path().to_owned();
        command.environment.push(("PROFILE".to_owned(), Secret::new("reader".to_owned())));
        assert!(of(command).read().await.is_ok());
        let seen = std::fs::read_to_string(folder.path().join("seen")).expect("written");
        let mut names: Vec<&str> = seen.lines().filter_map(|line| line.split('=').next()).collect();
        names.retain(|name| !matches!(*name, "PWD" | "_" | "SHLVL" | "OLDPWD"));
        names.sort_unstable();
        assert_eq!(names, ["PATH", "PROFILE"]);
    }
}
