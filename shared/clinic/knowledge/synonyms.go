package knowledge

// synonyms translate pet owners' words into the articles'. Each line lists words or phrases, and what they stand for.
// All are compared by stem, so one form of a word is enough unless it is irregular. A single word still counts as
// itself; a phrase does not.
var synonyms = []struct{ said, meant string }{
	// vaccinations
	{"shot, jab, vaccine, vaccinate, vax, immunise, immunize, immunisation, immunization, injection", "vaccination"},
	{"booster shot", "booster vaccination"},
	{"dapp, dhppi, da2pp", "dhpp distemper"},
	{"feline leukemia, leukemia", "felv"},
	{"feline distemper, panleuk", "panleukopenia"},
	{"lepto", "leptospirosis"},
	{"rhdv, rhdv2, rvhd", "rhd"},
	{"swollen", "swelling"},

	// stomach and gut
	{"throw up, throwing up, threw up, thrown up, puke, barf, be sick, being sick, been sick, was sick, upchuck", "vomiting"},
	{"diarrhea, the runs, loose stool, loose poo, loose poop, runny poo, runny poop, runny stool, watery stool, watery poop, squits", "diarrhoea"},
	{"tummy", "stomach belly"},
	{"poop, poo", "droppings stool"},
	{"hairball", "hair ball"},
	{"off food, off his food, off her food, wont eat, not eating, stopped eating, refuse food, refusing food, no appetite, doesnt eat, isnt eating, hasnt eaten, not eaten", "eating"},

	// urine
	{"pee, peed, piss, wee, peeing, urinate, urinating, urination", "pee urine"},
	{"cant pee, cannot pee, cant wee, wont pee, not peeing, unable to pee, cant urinate, trying to pee, no pee, uti", "blockage straining"},
	{"drink a lot, drinking a lot, drink so much, drinking so much, drink more, drinking more, drinking loads, drink lots, drinking lots, drinking water, drinks water, always thirsty, very thirsty, thirsty", "thirst"},
	{"litterbox, litter tray, litter pan, kitty litter", "litter"},
	{"toilet train, potty train, housebreak, housebroken, housetrain, house train, potty", "toilet training"},

	// teeth, eyes, ears, skin
	{"breath smell, breath stink, stinky breath, smelly breath, bad breath, halitosis", "breath teeth"},
	{"dentist", "dental teeth"},
	{"pink eye, pinkeye, goopy eye, gunky eye, eye gunk, eye goop, runny eye, watery eye, weeping eye", "eye"},
	{"itchy", "itching"},
	{"scratch himself, scratch herself, scratching himself, scratching herself", "scratching itching"},
	{"allergic", "allergy"},
	{"hives", "allergic swelling"},
	{"fur loss, losing fur, losing hair, bald", "hair loss"},

	// moving about
	{"hobble, favour leg, favor leg, holding up leg, lame, walk funny, walking funny, three legs", "limping"},
	{"acl, ccl", "cruciate"},
	{"stiff, stiff legs, joint pain", "arthritis stiffness"},

	// emergencies
	{"poisoned, poisonous, poisoning, toxin, toxic", "poison toxic"},
	{"tylenol, advil, motrin, aleve, naproxen, nsaid, human medication, pain killer", "painkillers"},
	{"medication, meds, drug", "medicine"},
	{"cant get up, cant stand, cannot stand, cannot get up, fainted, passed out", "collapse"},
	{"yarn, ribbon, tinsel, floss", "string"},
	{"garbage, rubbish", "trash"},
	{"sultana", "raisins"},
	{"heatstroke, sunstroke, too hot, overheat, overheated", "heat stroke"},
	{"fit, convulse, convulsing, epileptic", "seizure"},
	{"cone, cone of shame, elizabethan collar, e collar", "collar cone"},
	{"bitten, bit me, bit my, bit a, bit the, bit him, bit her, got bit, was bit", "bite"},
	{"run over, hit by a car, hit by car, car accident", "accident car"},
	{"wasp, bee, hornet", "sting"},
	{"cannot breathe, cant breathe, breathing hard, heavy breathing, hard to breathe", "breathing"},
	{"gdv, swollen stomach, swollen belly, swollen tummy, bloated", "bloat"},

	// other
	{"spay, castrate, fix her, fix him, get fixed, getting fixed, got fixed, dog fixed, cat fixed, him fixed, her fixed, puppy fixed, kitten fixed, desex, sterilise, sterilize, snip", "neutering spaying"},
	{"fat, chubby, too heavy, obese, overweight, plump", "obesity overweight"},
	{"lose weight, slim down", "weight loss"},
	{"deworm, dewormer, wormer", "worming"},
	{"elderly, geriatric, old dog, older dog", "senior ageing"},
	{"old cat, older cat, elderly cat", "senior ageing"},
	{"afraid, scared, frightened, terrified, anxious, nervous, panic", "fear anxiety"},
	{"storm", "thunder"},
	{"firecracker, new year", "fireworks"},
	{"home alone, left alone, leave alone", "separation anxiety"},
	{"chipped", "microchip"},
	{"ran away, run away, gone missing, went missing, escaped, stray", "lost missing"},
	{"vacation, trip, road trip, overseas, airplane, aeroplane, plane, carsick", "travel"},
	{"move house, moving house, moved house, moving home, moving apartment, move to a new, moved to a new, moving to a new", "moving"},
	{"introduce", "introduction"},
	{"kidney failure, renal failure, ckd, renal", "kidneys"},
	{"diabetic", "diabetes"},
	{"whelp, labor, labour, contractions, give birth, giving birth, gave birth, due date", "birth"},
	{"expecting, pregnant", "pregnancy"},
	{"sutures, incision", "stitches"},
	{"anesthesia, anesthetic, anaesthesia", "anaesthetic"},
	{"op, surgery, operation, operated", "surgery operation"},
	{"bunny", "rabbit"},
	{"kibble", "food feeding"},
	{"meal", "feeding"},
	{"toothbrush", "brushing"},
	{"checkup", "check-up"},
	{"hack, wheeze, wheezing", "coughing"},
}
