package dev.lockstep.jinja.python.values;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.PrimitiveIterator;

import org.jspecify.annotations.Nullable;

import dev.lockstep.jinja.rendering.Rendering;
import dev.lockstep.jinja.rendering.TemplateException;

/**
 * What Python's values are here: null (None), Boolean, Long or BigInteger, Double, String or {@link Markup}, List
 * ({@link Tuple} and {@link Range} among them), Map, {@link DictView}, {@link PythonGenerator}, {@link Function},
 * {@link Undefined} and {@link JinjaObject}; and what can be asked of all of them.
 */
public final class Values {
    private Values() {}

    /** The name of its type: Python's {@code type(value).__name__}. */
    public static String type(@Nullable Object value) {
        if (value == null) {
            return "NoneType";
        } else if (value instanceof Boolean) {
            return "bool";
        } else if (value instanceof Long || value instanceof BigInteger) {
            return "int";
        } else if (value instanceof Double) {
            return "float";
        } else if (value instanceof String) {
            return "str";
        } else if (value instanceof List) {
            return value instanceof Tuple ? "tuple" : value instanceof Range ? "range" : "list";
        } else if (value instanceof Map) {
            return "dict";
        } else if (value instanceof DictView view) {
            return "dict_" + view.kind().name().toLowerCase(java.util.Locale.ROOT);
        } else if (value instanceof PythonGenerator) {
            return "generator";
        } else if (value instanceof JinjaObject object) {
            return object.className().substring(object.className().lastIndexOf('.') + 1);
        }
        return value instanceof Function ? "function" : value.getClass().getSimpleName();
    }

    /** The characters of a string, of HTML too; null for anything else. */
    public static @Nullable String text(@Nullable Object value) {
        return value instanceof String text ? text : value instanceof Markup markup ? markup.text() : null;
    }

    /** Whether it is a string, HTML or not. */
    public static boolean isText(@Nullable Object value) {
        return value instanceof String || value instanceof Markup;
    }

    /** Python's {@code bool(value)}. */
    public static boolean isTrue(@Nullable Object value) {
        if (value == null || value instanceof Undefined) {
            return false;
        }
        if (value instanceof Boolean flag) {
            return flag;
        }
        if (value instanceof Number number) {
            return number.doubleValue() != 0;
        }
        String text = text(value);
        return text == null ? !hasLength(value) || length(value) > 0 : !text.isEmpty();
    }

    /** Whether Python's {@code len} takes it. */
    public static boolean hasLength(@Nullable Object value) {
        return isText(value) || value instanceof List || value instanceof Map || value instanceof DictView
                || value instanceof Undefined;
    }

    /**
     * Python's {@code len(value)}: characters, items or keys.
     *
     * @throws TemplateException when it has no length
     */
    public static long length(@Nullable Object value) {
        String text = text(value);
        if (text != null) {
            return text.codePointCount(0, text.length());
        }
        if (value instanceof List<?> list) {
            return list.size();
        }
        if (value instanceof Map<?, ?> map) {
            return map.size();
        }
        if (value instanceof DictView view) {
            return view.map().size();
        }
        if (value instanceof Undefined) {
            return 0;
        }
        throw new TemplateException("object of type '" + type(value) + "' has no len()");
    }

    /** What the test {@code iterable} says. */
    public static boolean isIterable(@Nullable Object value) {
        return hasLength(value) || value instanceof PythonGenerator
                || value instanceof JinjaObject object && object.isIterable();
    }

    /** Goes through what a {@code for} goes through. */
    public static Iterator<Object> each(@Nullable Object value, Rendering r) {
        if (value instanceof PythonGenerator generator) {
            return generator;
        }
        String text = text(value);
        Iterator<?> items;
        if (text != null) {
            PrimitiveIterator.OfInt characters = text.codePoints().iterator();
            return new Iterator<>() {
                @Override
                public boolean hasNext() {
                    return characters.hasNext();
                }

                @Override
                public Object next() {
                    r.step();
                    r.characters(40);
                    return Character.toString(characters.nextInt());
                }
            };
        } else if (value instanceof List<?> list) {
            items = list.iterator();
        } else if (value instanceof Map<?, ?> map) {
            items = map.keySet().iterator();
        } else if (value instanceof DictView view) {
            items = view.iterator();
        } else if (value instanceof Undefined) {
            items = List.of().iterator();
        } else {
            throw new TemplateException("'" + type(value) + "' object is not iterable");
        }
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return items.hasNext();
            }

            @Override
            public Object next() {
                r.step();
                return items.next();
            }
        };
    }

    /** A new list of what a {@code for} goes through. */
    public static List<Object> list(@Nullable Object value, Rendering r) {
        if (value instanceof List<?> list) {
            r.items(list.size());
            r.steps(list.size() / 8);
            return new ArrayList<>(list);
        }
        List<Object> all = new ArrayList<>();
        for (Iterator<Object> items = each(value, r); items.hasNext();) {
            r.items(1);
            all.add(items.next());
        }
        return all;
    }

    /**
     * The characters of a string, of HTML too.
     *
     * @throws TemplateException when it is anything else
     */
    public static String requireText(@Nullable Object value) {
        String text = text(value);
        if (text == null) {
            throw new TemplateException("expected str, not " + type(defined(value)));
        }
        return text;
    }

    /**
     * An integer, one beyond the range of long as a number beyond any index.
     *
     * @throws TemplateException when it is anything else
     */
    public static long requireInteger(@Nullable Object value) {
        if (value instanceof Boolean flag) {
            return flag ? 1 : 0;
        }
        if (value instanceof BigInteger big) {
            return big.signum() < 0 ? Long.MIN_VALUE / 2 : Long.MAX_VALUE / 2;
        }
        if (!(value instanceof Long number)) {
            throw new TemplateException("expected int, not " + type(defined(value)));
        }
        return number;
    }

    /**
     * The value itself.
     *
     * @throws TemplateException when it is undefined
     */
    public static @Nullable Object defined(@Nullable Object value) {
        if (value instanceof Undefined undefined) {
            throw new TemplateException(undefined.why());
        }
        return value;
    }

    /** Whether it is an integer or float, or true or false, which Python counts among the integers. */
    public static boolean isNumber(@Nullable Object value) {
        return value instanceof Long || value instanceof BigInteger || value instanceof Double
                || value instanceof Boolean;
    }

    /** The text as HTML where the other is. */
    public static Object like(@Nullable Object other, String text) {
        return other instanceof Markup ? new Markup(text) : text;
    }
}
