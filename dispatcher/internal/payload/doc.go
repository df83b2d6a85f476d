// Package payload is what is inside a google.protobuf.Any: that of an envelope, which the seed's RPCs carry, and that of an
// untyped handler.
//
//   - [MessageName], [Check], [Bytes] and [Pack] look at it and move its bytes without decoding them; [Unpack] and [Decode]
//     decode it.
//   - [ToGo] and [ToAny] make Go values of it and of them, as dispatcher.ServiceHandler says. Nothing is rounded.
//
// What does not fit is a refusal where a caller brought it, and an error where a handler did.
//
// Nothing here logs, locks or blocks. All of it runs once per call of an envelope or an untyped handler; calls of other
// handlers, and those that only pass through, never come here.
package payload
