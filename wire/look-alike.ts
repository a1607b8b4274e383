// Tells whether two names look the same, so that nobody can pass for a person on the stage. After Unicode's skeletons (UTS 39
// §4), with a part of its table: single letters and digits that look like ones of ASCII.

/**
 * Whether people would take one name for the other: letters of other alphabets, case, accents, invisible signs, symbols and
 * claims such as "(host)" make no difference.
 */
export function looksLike(one: string, other: string): boolean {
  return skeletonOf(one) === skeletonOf(other);
}

function skeletonOf(name: string): string {
  const words = name
    .split(/[^\p{L}\p{N}\p{M}\p{Default_Ignorable_Code_Point}]+/u)
    .map(lettersOf)
    .filter((word) => word !== "");
  const own = words.filter((word) => !CLAIMS.has(word));
  const letters = (own.length > 0 ? own : words).join("");
  return letters !== "" ? letters : visible(name);
}

function lettersOf(word: string): string {
  const latin = Array.from(visible(word), (char) => LOOKS.get(char) ?? char).join("");
  return latin.replace(/[i1]/g, "l").replace(/0/g, "o").replace(/vv/g, "w").replace(/rn/g, "m");
}

/** In lower case, without signs that are not seen and without accents. Marks that belong to one script are its letters. */
function visible(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .normalize("NFKD")
    .replace(/\p{Default_Ignorable_Code_Point}|(?![\u3099\u309A])(?=\p{M})\p{Script=Inherited}/gu, "");
}

/** From confusables.txt of Unicode 14 (unicode.org/Public/security). Right-to-left letters are escaped. */
const TABLE = [
  ["2", "ꝛƨϩꙅᒿꛯƻ"],
  ["3", "ɜȝʒꝫⳍзӡ𖼻𑣊ҙ"],
  ["4", "ꮞ𑣏"],
  ["5", "ƽ𑣛"],
  ["6", "ⳓбꮾ𑣕"],
  ["7", "𐓺𑣆"],
  ["8", "৪੪\u{1e8cb}ȣ𐌚"],
  ["9", "੧୨৭൭ꝯⳋ𑣌𑣖"],
  ["a", "ɑαаꭺᗅꓮ𖽀𐊠"],
  ["ae", "æӕ"],
  ["b", "ƅьꮟᑲᖯꞵβвᏼᗷꓐ𐊂𐊡𐌁ɓᑳƃƀҍѣ"],
  ["c", "ᴄςⲥсꮯ𐐽𑣲𑣩σꓚ𐊢𐌂𐔜ȼҫ"],
  ["d", "ԁꮷᑯꓒꭰᗞᗪꓓɗɖƌđð"],
  ["e", "ꬲеҽεⴹꭼꓰ𑣎𐊆ɇҿ"],
  ["f", "ꬵꞙẝքϝᖴꓝ𑣂𐊇𐊥𐔥ƒᵮ"],
  ["g", "ɡᶃƍցԍꮐᏻꓖɠǥ"],
  ["h", "һհꮒηⲏнꮋᕼꓧ𐋏ɦꚕᏺⱨңħћӊӈ"],
  ["i", "ıɪɩιіꙇӏꭵ𑣃ɨᵻᵼ"],
  ["j", "ϳјʝꭻᒍꓙɉ"],
  ["k", "κⲕкꮶᛕꓗ𐔘ƙⱪқꝁҟ"],
  ["l", "\u0661۱𐌠\u{1e8c7}ǀⲓ\u05d5\u05df\u0627\u07caⵏᛁꓲ𖼨𐊊𐌉ⳑꮮᒪꓡ𖼖𑣒𐑃𐔦łɭƚɫ\u0673"],
  ["m", "μϻⲙмꮇᗰᛖꓟ𐊰𐌑ӎ"],
  ["n", "ոռνⲛꓠ𐔓ɳƞɲᵰ"],
  ["o", "०੦૦௦౦೦൦๐໐၀\u0665۵ᴏᴑꬽοⲟоჿօ\u05e1\u0647\u06be\u06c1\u06d5ഠဝ𐓪𑣈𑣗𐐬\u07c0০୦〇𑓐𑣠ⵔዐଠꓳ𐊒𐊫𐔖\u06fføꬾⵁɵꝋөѳꮎꮻθⴱꭴတ"],
  ["oe", "œ"],
  ["p", "ρⲣрꮲᑭꓑ𐊕ƥᵽ"],
  ["q", "ԛգզⵕʠ"],
  ["r", "ꭇꭈᴦⲅгꮁʀꭱꮢ𐓜ᖇꓣ𖼵ɽɼɍғᵲ"],
  ["rn", "𑣣𑜀ɱᵯ"],
  ["s", "ꜱѕꮪ𑣁𐑈տꮥꓢ𖼺𐊖ʂᵴ"],
  ["t", "τⲧтꭲꓔ𖼊𑣜𐊗𐊱𐌕ƭⱦʈҭŧᵵ"],
  ["u", "ꞟᴜꭎꭒʋυս𐓶𑣘ሀᑌꓴ𖽂ᵾꮜʉ"],
  ["v", "ᴠѵ\u05d8𑜆ꮩ𑣀\u0667۷ⴸᐯꛟꓦ𖼈𐔝"],
  ["w", "ɯᴡѡԝա𑜊𑜎𑜏ꮃ𑣯𑣦ꮤꓪѽ𑓅ꝡ"],
  ["x", "хᕁᕽ𐌢𑣬ꭓχⲭⵝᚷꓫ𐊐𐊴𐌗𐔧ҳ"],
  ["y", "ɣᶌʏỿꭚγуүყⲩꭹꮍꓬ𖽃𑣄𐊲ƴɏұ"],
  ["z", "ᴢꮓ𐋵𑣥ζꓜ𑣉ʐƶȥᵶ"],
] as const;

const LOOKS: ReadonlyMap<string, string> = new Map(
  TABLE.flatMap(([look, others]) => Array.from(others, (other): [string, string] => [other, look])),
);

/** Words with which a name claims a role. English only. */
const CLAIMS: ReadonlySet<string> = new Set(
  ["host", "cohost", "moderator", "mod", "admin", "administrator", "official", "verified"].map(lettersOf),
);
