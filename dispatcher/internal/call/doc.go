// Package call takes calls to where they run. There is one way, for every entrance:
//
//   - A [Request] is a call on its way. The view, the entry and the decision that were found for it once go with it.
//   - [Pipeline.Decide] finds where it goes, and [Pipeline.Run] takes it there: to the [Executor], which runs the methods of this
//     collector and has no way to a peer, or to [Peers]. [Pipeline.Open] is Run for callers in this process, who get a stream
//     instead of giving one.
//   - [Views] has the view of the moment, and lets calls wait for it while peers of earlier runs are expected back.
//   - A [RetryingCall] is a call on a peer that goes on to the next candidate while it surely did not run, or may be repeated;
//     nothing else repeats a call, and the [RetryBudget] bounds how often that happens.
//   - An [Observation] follows a call from its entrance to its verdict, and is told to the recorder and the log once.
//
// A call on a peer goes through these states:
//
//	        open                 first of an answer
//	asked ────────► under way ───────────────────────► answered ──► ended
//	  ▲  │              │ failed, and surely did not run or may be repeated
//	  │  │ no candidate └───────────────┐
//	  └──┼──────────────────────────────┘ next candidate, if the budget has one
//	     └──► ended
package call
