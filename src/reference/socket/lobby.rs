//! Who is connected and not logged in yet, where the first message says who somebody is.
//!
//! They may register, log in to a token, and say the first message. Whoever says anything else, or
//! nothing for too long, is sent away. Nothing is pushed to them before they are let in.

use super::{SocketBack, SocketWire, hang_up};
use crate::reference::app::App;
use crate::reference::bugs::Bug;
use crate::reference::desk::Coming;
use crate::reference::hall::Wire;
use crate::reference::knock::{LATE, Visiting, by_login};
use crate::reference::model::*;
use crate::reference::play::{LetIn, Login};
use crate::reference::reception;
use crate::reference::stamp;
use crate::reference::visitor::{Back, Question, Visitor, answer_account};
use socketioxide::adapter::LocalAdapter;
use socketioxide::handler::{MessageHandler, Value};
use socketioxide::socket::Socket;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One connection's events.
#[derive(Clone)]
pub(super) struct Lobby {
    app: Arc<App>,
    stage: Arc<Mutex<Stage>>,
}

/// How far somebody has come.
#[derive(Default)]
enum Stage {
    /// Nothing was said that lets in.
    #[default]
    Waiting,
    /// What was said is being looked at.
    Knocking,
    /// The visitor's questions are heard.
    In(Arc<Visitor>),
    /// Sent away.
    Out,
}

impl MessageHandler<LocalAdapter, Lobby> for Lobby {
    fn call(&self, socket: Arc<Socket>, mut value: Value, ack_id: Option<i64>) {
        let back = SocketBack::to(&socket, &mut value, ack_id);
        let Value::Str(json, _) = value else { return };
        let visitor = match &*self.lock() {
            Stage::In(visitor) => Some(Arc::clone(visitor)),
            _ => None,
        };
        match visitor {
            Some(visitor) => visitor.hear(&Question::Event(&json, ack_id.is_some()), back),
            None => self.hear(&socket, &json, back),
        }
    }
}

impl Lobby {
    /// Lets somebody in as far as this, and no longer than a connection may take.
    pub(super) fn receive(app: &Arc<App>, socket: &Arc<Socket>) -> Self {
        let lobby = Self { app: Arc::clone(app), stage: Arc::default() };
        let (stage, socket) = (Arc::downgrade(&lobby.stage), Arc::downgrade(socket));
        let patience = app.play.spec().connect.timeout;
        tokio::spawn(async move {
            tokio::time::sleep(patience).await;
            if let (Some(stage), Some(socket)) = (stage.upgrade(), socket.upgrade())
                && matches!(&*locked(&stage), Stage::Waiting)
            {
                hang_up(&socket);
            }
        });
        lobby
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        locked(&self.stage)
    }

    /// What is said before the login.
    fn hear(&self, socket: &Arc<Socket>, json: &str, back: SocketBack) {
        let app = &self.app;
        if let Some(asked) = app.play.event(json, None)
            && let Some(attended) = reception::serve(app, &asked, None)
        {
            return answer_account(app, &asked, attended, back);
        }
        let mut stage = self.lock();
        let known = app.play.spec().constants.clone();
        if !matches!(*stage, Stage::Waiting) || app.play.login(json, &known).is_none() {
            *stage = Stage::Out;
            return back.hang_up();
        }
        *stage = Stage::Knocking;
        let (lobby, json, socket) = (self.clone(), json.to_owned(), Arc::clone(socket));
        tokio::spawn(async move {
            if let Some(login) = lobby.app.play.login(&json, &known) {
                lobby.knocks(&login, &socket, back).await;
            }
        });
    }

    async fn knocks(&self, login: &Login<'_>, socket: &Arc<Socket>, mut back: SocketBack) {
        let app = &self.app;
        let let_in = by_login(app, login).and_then(|visiting| Ok((visiting, app.seat()?)));
        let (visiting, seat) = match let_in {
            Ok(let_in) => let_in,
            Err(refusal) => {
                if let Some(no) = login.answer(&app.play, Err(&refusal)) {
                    back.say(&no);
                }
                *self.lock() = Stage::Out;
                return back.hang_up();
            }
        };
        let Visiting { user, token, late } = visiting;
        let caller = Caller {
            chapter: app.doorman.chapter(&user),
            device: token.clone().unwrap_or_else(|| user.clone()),
            user: user.clone(),
            connection: Some(app.next_connection()),
            node: app.node,
            arrived: stamp::now(),
        };
        let wire = Arc::new(SocketWire::holding(socket, late));
        let visitor = Visitor::new(Arc::clone(app), caller.clone(), token.clone(), None, seat);
        let since = login.since().filter(|_| !app.bugs.has(Bug::ResumeForgets));
        let coming = Coming { only: None, since };
        let Some(newest) =
            app.desk.arrive(caller, Arc::clone(&wire) as Arc<dyn Wire>, coming).await
        else {
            return back.hang_up();
        };
        *self.lock() = Stage::In(Arc::new(visitor));
        let token = token.map(Into::into);
        if let Some(yes) = login.answer(&app.play, Ok(&LetIn { user, token, newest })) {
            back.say(&yes);
        }
        wire.open();
        if late {
            tokio::time::sleep(LATE).await;
            back.hang_up();
        }
    }
}

fn locked(stage: &Mutex<Stage>) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap_or_else(PoisonError::into_inner)
}
