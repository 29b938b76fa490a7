package rbac

// The scopes of the VetAssist MCP server.
const (
	PetProfileRead   = "pet-profile:read"
	PetProfileWrite  = "pet-profile:write"
	AppointmentRead  = "appointment:read"
	AppointmentWrite = "appointment:write"
	ReminderRead     = "reminder:read"
	ReminderWrite    = "reminder:write"
)

// StaffRole is the role whose holders may see and change every owner's pets. All others see their own.
const StaffRole = "Vet Staff"

// AnyToken is the scope of a tool that any valid token may call.
const AnyToken = ""

// Tools is the tool policy: the scope that each tool of the VetAssist MCP server needs. The challenge, the tool's
// own check and the tool's description all read it here. A tool that is not in it cannot be called.
var Tools = map[string]string{
	"get_pet_vaccination_info": PetProfileRead,
	"list_pets":                PetProfileRead,
	"get_pet":                  PetProfileRead,
	"add_pet":                  PetProfileWrite,
	"update_pet":               PetProfileWrite,
	"record_vaccination":       PetProfileWrite,
	"find_appointment_slots":   AppointmentRead,
	"list_appointments":        AppointmentRead,
	"book_vet_appointment":     AppointmentWrite,
	"cancel_vet_appointment":   AppointmentWrite,
	"list_reminders":           ReminderRead,
	"set_reminder":             ReminderWrite,
	"cancel_reminder":          ReminderWrite,
	"search_pet_health":        AnyToken,
	"contact_support":          AnyToken,
}
