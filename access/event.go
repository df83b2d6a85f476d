package access

import "time"

// Event is something that is to be audited. Its form in JSON is a contract: no field changes its meaning, and new ones may
// come. It has no secrets.
type Event struct {
	// Time is when it happened.
	Time time.Time `json:"time"`
	// Kind and ID are the principal; of credentials that were refused, empty.
	Kind Kind `json:"kind,omitempty"`
	// ID tells the principal from others of its kind.
	ID string `json:"id,omitempty"`
	// Network, TLS, Entrance and Via are where the call entered, as in [Origin].
	Network string `json:"network,omitempty"`
	// TLS is whether the connection is encrypted by TLS.
	TLS bool `json:"tls,omitempty"`
	// Entrance is how the call came in.
	Entrance string `json:"entrance,omitempty"`
	// Via is the collector that brought the call over a link.
	Via string `json:"via,omitempty"`
	// Action is the word of an [Action], or authenticate for credentials that were refused.
	Action string `json:"action"`
	// Namespace and Procedure are the resource.
	Namespace string `json:"namespace,omitempty"`
	// Procedure is the method or the service.
	Procedure string `json:"procedure,omitempty"`
	// Allowed is the decision.
	Allowed bool `json:"allowed"`
	// Policies are the ids of the policies that decided.
	Policies []string `json:"policies,omitempty"`
	// Reason is a sentence for people.
	Reason string `json:"reason,omitempty"`
	// Count is 0 for an event of its own. What is denied again within 10 s is counted, and told at their end by one event: Count
	// is then how many more times it happened.
	Count int `json:"count,omitempty"`
	// Detail is what else there is to say; keys are words of whoever made the event.
	Detail map[string]string `json:"detail,omitempty"`
}

// ActionAuthenticate is the Action of an [Event] about credentials that were refused.
const ActionAuthenticate = "authenticate"

func eventOf(now time.Time, c *Caller, a Action, r Resource, d *Decision) Event {
	r = r.told()
	return Event{
		Time: now, Kind: c.Kind, ID: c.ID, Network: c.Network, TLS: c.TLS, Entrance: c.Entrance, Via: c.Via,
		Action: a.String(), Namespace: r.Namespace, Procedure: r.Procedure, Allowed: d.Allowed, Policies: d.Policies, Reason: d.Reason,
	}
}
