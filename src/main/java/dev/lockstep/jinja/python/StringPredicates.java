package dev.lockstep.jinja.python;

import java.util.function.IntPredicate;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.python.values.Function;
import dev.lockstep.jinja.python.values.Strings;

/** Python's questions about all characters of a string. */
public final class StringPredicates {
    /** Digits that no decimal number is written with: superscripts, subscripts and those in circles and brackets. */
    private static final int[][] OTHER_DIGITS = {{0xb2, 0xb3}, {0xb9, 0xb9}, {0x2070, 0x2070}, {0x2074, 0x2079},
            {0x2080, 0x2089}, {0x2460, 0x2468}, {0x2474, 0x247c}, {0x2488, 0x2490}, {0x24ea, 0x24ea},
            {0x24f5, 0x24fd}, {0x24ff, 0x24ff}, {0x2776, 0x277e}, {0x2780, 0x2788}, {0x278a, 0x2792}};
    private static final String HAN_NUMBERS = "〇一二三四五六七八九十百千万億兆零壱壹弐贰貳参叁肆伍陆陸柒捌玖拾佰仟亿";

    private StringPredicates() {}

    /** Null where str has no such method. */
    static @Nullable Function named(String text, String name) {
        return switch (name) {
            case "isdecimal" -> all(name, text, Character::isDigit);
            case "isdigit" -> all(name, text, StringPredicates::isDigit);
            case "isnumeric" -> all(name, text, StringPredicates::isNumeric);
            case "isalpha" -> all(name, text, Character::isLetter);
            case "isalnum" -> all(name, text, c -> Character.isLetter(c) || isNumeric(c));
            case "isspace" -> all(name, text, Strings::isSpace);
            case "isascii" -> Function.of(name, "", a -> text.chars().allMatch(c -> c < 0x80));
            case "isprintable" -> Function.of(name, "", a -> text.codePoints().allMatch(Strings::isPrintable));
            case "isidentifier" -> Function.of(name, "", a -> isIdentifier(text));
            case "isupper" -> Function.of(name, "", a -> isUpper(text));
            case "islower" -> Function.of(name, "", a -> isLower(text));
            case "istitle" -> Function.of(name, "", a -> StringCasing.isTitled(text));
            default -> null;
        };
    }

    private static Function all(String name, String text, IntPredicate what) {
        return Function.of(name, "", a -> {
            a.rendering().steps(text.length() / 8);
            return !text.isEmpty() && text.codePoints().allMatch(what);
        });
    }

    private static boolean isDigit(int c) {
        for (int[] range : OTHER_DIGITS) {
            if (c >= range[0] && c <= range[1]) {
                return true;
            }
        }
        return Character.isDigit(c);
    }

    private static boolean isNumeric(int c) {
        int type = Character.getType(c);
        return type == Character.DECIMAL_DIGIT_NUMBER || type == Character.LETTER_NUMBER
                || type == Character.OTHER_NUMBER || HAN_NUMBERS.indexOf(c) >= 0;
    }

    private static boolean isIdentifier(String text) {
        return !text.isEmpty() && (text.charAt(0) == '_' || Character.isUnicodeIdentifierStart(text.codePointAt(0)))
                && text.codePoints().allMatch(c -> c == '_' || Character.isUnicodeIdentifierPart(c)
                        && !Character.isIdentifierIgnorable(c));
    }

    /** Python's {@code isupper}. */
    public static boolean isUpper(String text) {
        return text.codePoints().anyMatch(Character::isUpperCase)
                && text.codePoints().noneMatch(c -> Character.isLowerCase(c) || Character.isTitleCase(c));
    }

    /** Python's {@code islower}. */
    public static boolean isLower(String text) {
        return text.codePoints().anyMatch(Character::isLowerCase)
                && text.codePoints().noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c));
    }
}
