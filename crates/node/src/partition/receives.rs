//! Receives, and the long polls that they become.

use super::{Partition, Token};
use crate::error::CallError;
use crate::waiters::Waiter;
use bongsu_engine::{Moment, QueueId, Receive, Reply};

impl<T: Token> Partition<T> {
    pub(super) fn receive(&mut self, moment: Moment, token: T, receive: Receive) {
        let result = self.decide_receive(moment, &receive);
        let found_nothing = matches!(&result, Ok(Reply::Received(messages)) if messages.is_empty());
        if !found_nothing || self.draining {
            return self.answer(token, result);
        }
        let wait_ms = receive.wait_ms.unwrap_or_else(|| self.engine.default_wait_ms(&receive.name));
        match self.engine.queue_id(&receive.name) {
            Some(queue) if wait_ms > 0 => {
                let until_ms = moment.now_ms + wait_ms;
                self.waiters.park(queue, Waiter { token, receive, until_ms });
                self.waiters.schedule(queue, self.engine.next_change_ms(queue, moment.now_ms));
            }
            _ => self.answer(token, result),
        }
    }

    fn decide_receive(&mut self, moment: Moment, receive: &Receive) -> Result<Reply, CallError> {
        let entropy = self.entropy.next();
        self.engine.decide_receive(moment, entropy, receive, &mut self.open.batch).map_err(CallError::Engine)
    }

    /// Something may have become receivable: serves those who wait, in the order in which they came.
    pub(super) fn serve(&mut self, moment: Moment, queue: QueueId) {
        if !self.waiters.has(queue) {
            return;
        }
        while self.has_space_for(0)
            && let Some(waiter) = self.waiters.take_first(queue)
        {
            if waiter.token.is_abandoned() {
                continue;
            }
            match self.decide_receive(moment, &waiter.receive) {
                Ok(Reply::Received(messages)) if messages.is_empty() => {
                    self.waiters.put_back(queue, waiter);
                    break;
                }
                result => self.answer(waiter.token, result),
            }
        }
        // Where the batch had no space for more, the rest is served with the next.
        let cut_short = (!self.has_space_for(0)).then_some(moment.now_ms + 1);
        self.waiters.schedule(queue, cut_short.or_else(|| self.engine.next_change_ms(queue, moment.now_ms)));
    }

    /// Serves queues in which a message became visible by itself, and ends waits that are over.
    pub(super) fn look_after_waiters(&mut self, moment: Moment) {
        while self.has_space_for(0)
            && let Some(queue) = self.waiters.take_due(moment.now_ms)
        {
            self.serve(moment, queue);
            for waiter in self.waiters.take_over(queue, moment.now_ms, Token::is_abandoned) {
                self.answer(waiter.token, Ok(Reply::Received(Vec::new())));
            }
            let change_ms = self.engine.next_change_ms(queue, moment.now_ms);
            // What is visible but can't be had (a bound on what is in flight) is looked at again a little later.
            self.waiters.schedule(queue, change_ms.map(|at| at.max(moment.now_ms + 1)));
        }
    }
}
