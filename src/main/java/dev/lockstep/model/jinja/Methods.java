package dev.lockstep.model.jinja;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.function.IntPredicate;

/** The methods that Python's str, dict and list have and that leave their object as it is. */
final class Methods {
    private Methods() {}

    /** The method or attribute of this name, undefined where there is none. */
    static Object attribute(Object value, String name) {
        Function method = null;
        if (value instanceof Namespace namespace) {
            if (namespace.attributes.containsKey(name)) {
                return namespace.attributes.get(name);
            }
        } else if (value instanceof String text) {
            method = ofText(text, name);
        } else if (value instanceof Map<?, ?> map) {
            method = ofMap(map, name);
        } else if (value instanceof List<?> list) {
            method = ofList(list, name);
        }
        return method == null ? Undefined.attribute(value, name) : method;
    }

    private static Function ofMap(Map<?, ?> map, String name) {
        return switch (name) {
            case "items" -> arguments -> items(map);
            case "keys" -> arguments -> new ArrayList<Object>(map.keySet());
            case "values" -> arguments -> new ArrayList<Object>(map.values());
            case "get" -> arguments -> map.containsKey(arguments.require(0, "key"))
                    ? map.get(arguments.require(0, "key"))
                    : arguments.get(1, "default", null);
            case "copy" -> arguments -> map;
            default -> null;
        };
    }

    static List<Object> items(Map<?, ?> map) {
        List<Object> items = new ArrayList<>();
        map.forEach((key, value) -> items.add(Arrays.asList(key, value)));
        return items;
    }

    private static Function ofList(List<?> list, String name) {
        return switch (name) {
            case "copy" -> arguments -> list;
            case "count" -> arguments -> list.stream().filter(v -> Values.equal(v, arguments.require(0, "x"))).count();
            case "index" -> arguments -> {
                for (int i = 0; i < list.size(); i++) {
                    if (Values.equal(list.get(i), arguments.require(0, "x"))) {
                        return (long) i;
                    }
                }
                throw new TemplateException(Text.repr(arguments.require(0, "x")) + " is not in list");
            };
            default -> null;
        };
    }

    private static Function ofText(String text, String name) {
        return switch (name) {
            case "strip" -> arguments -> Text.strip(text, characters(arguments), true, true);
            case "lstrip" -> arguments -> Text.strip(text, characters(arguments), true, false);
            case "rstrip" -> arguments -> Text.strip(text, characters(arguments), false, true);
            case "split" -> arguments -> split(text, arguments, false);
            case "rsplit" -> arguments -> split(text, arguments, true);
            case "splitlines" -> arguments -> lines(text);
            case "partition" -> arguments -> partition(text, arguments.text(0, "sep"), false);
            case "rpartition" -> arguments -> partition(text, arguments.text(0, "sep"), true);
            case "startswith" -> arguments -> any(text, arguments, String::startsWith);
            case "endswith" -> arguments -> any(text, arguments, String::endsWith);
            case "removeprefix" -> arguments -> text.startsWith(arguments.text(0, "prefix"))
                    ? text.substring(arguments.text(0, "prefix").length())
                    : text;
            case "removesuffix" -> arguments -> text.endsWith(arguments.text(0, "suffix"))
                    ? text.substring(0, text.length() - arguments.text(0, "suffix").length())
                    : text;
            case "upper" -> arguments -> text.toUpperCase(Locale.ROOT);
            case "lower" -> arguments -> text.toLowerCase(Locale.ROOT);
            case "capitalize" -> arguments -> Text.capitalize(text);
            case "title" -> arguments -> title(text);
            case "replace" -> arguments -> replace(text, arguments.text(0, "old"), arguments.text(1, "new"),
                    arguments.integer(2, "count", -1));
            case "join" -> arguments -> String.join(text, Values.iterate(arguments.require(0, "iterable")).stream()
                    .map(Values::requireText).toList());
            case "find" -> arguments -> place(text, text.indexOf(arguments.text(0, "sub")));
            case "rfind" -> arguments -> place(text, text.lastIndexOf(arguments.text(0, "sub")));
            case "index" -> arguments -> {
                if (!text.contains(arguments.text(0, "sub"))) {
                    throw new TemplateException("substring not found");
                }
                return place(text, text.indexOf(arguments.text(0, "sub")));
            };
            case "count" -> arguments -> count(text, arguments.text(0, "sub"));
            case "isdigit", "isdecimal", "isnumeric" -> arguments -> all(text, Character::isDigit);
            case "isalpha" -> arguments -> all(text, Character::isLetter);
            case "isalnum" -> arguments -> all(text, Character::isLetterOrDigit);
            case "isspace" -> arguments -> all(text, Text::isSpace);
            case "isupper" -> arguments -> isUpper(text);
            case "islower" -> arguments -> isLower(text);
            case "zfill" -> arguments -> zfill(text, arguments.integer(0, "width", 0));
            case "format" -> arguments -> braces(text, arguments);
            default -> null;
        };
    }

    private static String characters(Arguments arguments) {
        Object characters = arguments.get(0, "chars", null);
        return characters == null ? null : Values.requireText(characters);
    }

    private static boolean all(String text, IntPredicate what) {
        return !text.isEmpty() && text.codePoints().allMatch(what);
    }

    static boolean isUpper(String text) {
        return text.codePoints().anyMatch(Character::isUpperCase)
                && text.codePoints().noneMatch(Character::isLowerCase);
    }

    static boolean isLower(String text) {
        return text.codePoints().anyMatch(Character::isLowerCase)
                && text.codePoints().noneMatch(Character::isUpperCase);
    }

    private static boolean any(String text, Arguments arguments, BiPredicate<String, String> has) {
        Object affix = arguments.require(0, "prefix");
        return affix instanceof List<?> several
                ? several.stream().anyMatch(one -> has.test(text, Values.requireText(one)))
                : has.test(text, Values.requireText(affix));
    }

    /** An index of Java's as Python counts, in characters. */
    private static Object place(String text, int index) {
        return index < 0 ? -1L : (long) text.codePointCount(0, index);
    }

    private static long count(String text, String part) {
        if (part.isEmpty()) {
            return Values.length(text) + 1;
        }
        return (text.length() - text.replace(part, "").length()) / part.length();
    }

    private static List<Object> split(String text, Arguments arguments, boolean fromRight) {
        Object by = arguments.get(0, "sep", null);
        int most = arguments.integer(1, "maxsplit", -1);
        String separator = by == null ? null : Values.requireText(by);
        if (separator != null && separator.isEmpty()) {
            throw new TemplateException("empty separator");
        }
        List<Object> parts = new ArrayList<>();
        String rest = separator == null ? Text.strip(text, null, !fromRight, fromRight) : text;
        while (most < 0 || parts.size() < most) {
            int[] cut = cut(rest, separator, fromRight);
            if (cut == null) {
                break;
            }
            parts.add(fromRight ? 0 : parts.size(), fromRight ? rest.substring(cut[1]) : rest.substring(0, cut[0]));
            rest = fromRight ? rest.substring(0, cut[0]) : rest.substring(cut[1]);
        }
        if (separator == null) {
            rest = parts.size() == most ? rest : Text.strip(rest, null, true, true);
            if (Text.strip(rest, null, true, true).isEmpty()) {
                return parts;
            }
        }
        parts.add(fromRight ? 0 : parts.size(), rest);
        return parts;
    }

    /** Where the next separator begins and ends, null where there is none; null as separator is a run of white space. */
    private static int[] cut(String text, String separator, boolean last) {
        if (separator != null) {
            int at = last ? text.lastIndexOf(separator) : text.indexOf(separator);
            return at < 0 ? null : new int[]{at, at + separator.length()};
        }
        String trimmed = Text.strip(text, null, !last, last);
        int[] spaces = java.util.stream.IntStream.range(0, trimmed.length())
                .filter(i -> Text.isSpace(trimmed.charAt(i))).toArray();
        if (spaces.length == 0) {
            return null;
        }
        if (last) {
            int at = spaces[spaces.length - 1];
            return new int[]{Text.strip(trimmed.substring(0, at), null, false, true).length(), at + 1};
        }
        return new int[]{spaces[0],
                trimmed.length() - Text.strip(trimmed.substring(spaces[0]), null, true, false).length()};
    }

    private static List<Object> lines(String text) {
        if (text.isEmpty()) {
            return List.of();
        }
        String[] lines = text.split("\r\n|[\n\r\u000b\f\u001c-\u001e\u0085\u2028\u2029]", -1);
        int count = lines[lines.length - 1].isEmpty() ? lines.length - 1 : lines.length;
        return new ArrayList<>(Arrays.asList(lines).subList(0, count));
    }

    private static List<Object> partition(String text, String separator, boolean last) {
        int at = last ? text.lastIndexOf(separator) : text.indexOf(separator);
        if (at < 0) {
            return last ? List.of("", "", text) : List.of(text, "", "");
        }
        return List.of(text.substring(0, at), separator, text.substring(at + separator.length()));
    }

    static String replace(String text, String old, String with, int times) {
        if (times < 0) {
            return text.replace(old, with);
        }
        StringBuilder out = new StringBuilder();
        int from = 0;
        for (int i = 0; i < times; i++) {
            int at = text.indexOf(old, from);
            if (at < 0) {
                break;
            }
            out.append(text, from, at).append(with);
            from = at + old.length();
        }
        return out.append(text.substring(from)).toString();
    }

    private static String title(String text) {
        StringBuilder out = new StringBuilder();
        boolean[] within = {false};
        text.codePoints().forEach(c -> {
            out.appendCodePoint(within[0] ? Character.toLowerCase(c) : Character.toTitleCase(c));
            within[0] = Character.isLetter(c);
        });
        return out.toString();
    }

    private static String zfill(String text, int width) {
        String sign = text.startsWith("-") || text.startsWith("+") ? text.substring(0, 1) : "";
        return sign + "0".repeat((int) Math.max(0, width - Values.length(text))) + text.substring(sign.length());
    }

    /** {@code str.format} with plain fields: {@code {}}, {@code {0}} and {@code {name}}. */
    private static String braces(String text, Arguments arguments) {
        StringBuilder out = new StringBuilder();
        int next = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '{' && c != '}') {
                out.append(c);
            } else if (i + 1 < text.length() && text.charAt(i + 1) == c) {
                out.append(c);
                i++;
            } else {
                int end = text.indexOf('}', i);
                String field = c == '{' && end > 0 ? text.substring(i + 1, end) : "!";
                if (!field.matches("\\w*")) {
                    throw new TemplateException("format: the field {" + field + "} is not supported");
                }
                int place = field.isEmpty() ? next++ : field.matches("\\d+") ? Integer.parseInt(field) : 1 << 20;
                out.append(Text.str(arguments.require(place, field)));
                i = end;
            }
        }
        return out.toString();
    }
}
