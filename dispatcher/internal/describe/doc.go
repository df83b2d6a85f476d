// Package describe puts the schemas of what can be called through a collector together, for gRPC reflection and for whoever
// asks for descriptors.
//
//   - A [SchemaSet] is the schemas of this collector's own services, of what is registered here and of what peers serve, as
//     far as a [Filter] lets them through. In it every path and every name means one thing: what contradicts a file that is
//     there is hidden, and the set says so.
//   - The [Describer] makes them when they are asked for, and again when there is another view of the mesh.
//   - [Describer.RegisterReflection] serves them.
package describe
