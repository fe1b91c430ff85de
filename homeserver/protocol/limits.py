"""Every hard limit of the protocol, named once.

Sources: client-server API "Size limits"; server-server API "PDUs", "Transactions"; appendices "Identifier grammar", "Canonical JSON".
"""

MAX_EVENT_BYTES = 65_536  # the whole PDU as canonical JSON
MAX_FIELD_BYTES = 255  # type, state_key, sender, room_id, event_id, each in UTF-8 bytes
MAX_IDENTIFIER_BYTES = 255
MAX_AUTH_EVENTS = 10
MAX_PREV_EVENTS = 20
MAX_INTEGER = 2**53 - 1
MIN_INTEGER = -MAX_INTEGER
MAX_DEPTH = MAX_INTEGER  # a larger claim is refused, a local event never exceeds it
MAX_INTEGER_64 = 2**63 - 1  # room versions 1 to 5: depth and time go no further
MAX_JSON_NESTING = 100  # containers within containers, counted from 1 at the outermost
MAX_FEDERATION_JSON_NESTING = 500  # of a whole request or answer: an event nested too deeply is dropped alone
MAX_TRANSACTION_PDUS = 50
MAX_TRANSACTION_EDUS = 100
KEY_VALIDITY_CAP_MS = 7 * 24 * 3_600_000  # room version 5: valid_until_ts counts no further than this ahead
MAX_DISPLAYNAME_BYTES = 256
MAX_PROFILE_BYTES = 65_536
MAX_PROFILE_KEY_BYTES = 255
MAX_FILTER_ENTRIES = 2_000  # all lists of one filter together
MAX_FILTER_LIMIT = 1_000
