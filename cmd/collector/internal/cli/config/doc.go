// Package config is the configuration file of a collector: what it may say, what is wrong with one, and what is in force.
//
//	file      YAML or JSON of the message collector.config.v1.Config, which has a field for each flag of serve
//	setting   one of these, with its value and where that comes from
//	origin    the command line, a variable, a line of the file, or the default; the first that is there wins
//	problem   what is wrong, at a line of the file, with what to do instead
//
// A file is judged as a whole: all problems of it are told at once. What the values may be is in the message itself, as rules of
// protovalidate, and they judge the settings in force, so that a flag that contradicts the file is found too.
//
//	file, err := config.Read(path)                  // what it says, and where
//	settings := config.Of(flags).With(file)         // flags and variables win
//	err = settings.Check()                          // each value, and what goes together
package config
