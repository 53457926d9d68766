package dev.lockstep.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import dev.lockstep.host.Printable;
import dev.lockstep.model.JsonFile;
import dev.lockstep.model.ModelException;

/**
 * The scales for keys and values in fp8 that tools for quantizing leave in a checkpoint: one number for a layer's keys and one
 * for its values, which they are to be divided by.
 *
 * @param listing where tensors are listed
 * @param stored  by their names without the base model's prefix
 */
record KvScaleTensors(String listing, Map<String, StoredTensors.Stored> stored) {
    // of compressed-tensors, of its older form, of ModelOpt, and of AutoFP8
    private static final List<String> FORMS = List.of("%s_scale", "%s_proj.output_scale", "%1$s_proj.%1$s_scale",
            "kv_scale");
    private static final Pattern NAME = Pattern.compile("(?:model\\.)?(layers\\.\\d+\\.self_attn\\.(?:"
            + Stream.of("k", "v").flatMap(of -> FORMS.stream().map(form -> Pattern.quote(String.format(form, of))))
                    .collect(Collectors.joining("|"))
            + "))");
    private static final String OTHERWISE = "leave out --kv-dtype fp8, and keys and values are kept as the model computes.";

    static KvScaleTensors of(StoredTensors stored) {
        Map<String, StoredTensors.Stored> found = new HashMap<>();
        stored.byName().forEach((name, tensor) -> {
            Matcher matcher = NAME.matcher(name);
            if (matcher.matches()) {
                found.put(matcher.group(1), tensor);
            }
        });
        return new KvScaleTensors(stored.listing().toString(), found);
    }

    /** Whether a stored tensor is a scale for keys or values. */
    static boolean isOne(String name) {
        return NAME.matcher(name).matches();
    }

    /** What does not say for which type its scales are has them for fp8. */
    private static boolean isFp8(JsonFile config) {
        return config.object("quantization_config").or(() -> config.object("compression_config"))
                .flatMap(quantization -> quantization.value("kv_cache_scheme"))
                .map(scheme -> scheme.path("num_bits").asInt(8) == 8
                        && scheme.path("type").asText("float").equals("float"))
                .orElse(true);
    }

    /**
     * Reads them, where they are for fp8.
     *
     * @throws ModelException when a layer lacks one that others have, or one is not a positive number
     */
    KvScales read(JsonFile config, int layers) {
        if (stored.isEmpty() || !isFp8(config)) {
            return KvScales.none(layers);
        }
        List<Float> keys = new ArrayList<>();
        List<Float> values = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            keys.add(scale(layer, "k"));
            values.add(scale(layer, "v"));
        }
        return new KvScales(List.copyOf(keys), List.copyOf(values));
    }

    private float scale(int layer, String of) {
        String attention = "layers." + layer + ".self_attn.";
        for (String form : FORMS) {
            StoredTensors.Stored tensor = stored.get(attention + String.format(form, of));
            if (tensor != null) {
                return powerOf2(number(tensor), tensor);
            }
        }
        throw new ModelException(
                listing + ": there is no scale for the " + (of.equals("k") ? "keys" : "values") + " of layer "
                        + layer + ", though others have theirs; " + OTHERWISE);
    }

    private static double number(StoredTensors.Stored tensor) {
        SafetensorsHeader.Entry entry = tensor.entry();
        StoredType type = StoredType.of(entry.dtype()).filter(StoredType.FLOATS::contains).orElse(null);
        if (type == null || entry.bytes() != type.bytes()) {
            throw new ModelException(named(tensor) + " has dtype " + Printable.cut(entry.dtype()) + " and shape "
                    + Arrays.toString(entry.shape()) + "; supported is one number in F32, BF16 or F16: " + OTHERWISE);
        }
        ByteBuffer bytes = ByteBuffer.allocate(type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        try (FileChannel file = FileChannel.open(tensor.file())) {
            while (bytes.hasRemaining() && file.read(bytes, entry.offset() + bytes.position()) >= 0) {
                // until there is all of it
            }
        } catch (IOException e) {
            throw new ModelException(named(tensor) + " cannot be read: " + e.getMessage() + ".", e);
        }
        return switch (type) {
            case F32 -> bytes.getFloat(0);
            case BF16 -> Float.intBitsToFloat(bytes.getShort(0) << 16);
            default -> half(bytes.getShort(0));
        };
    }

    private static double half(short bits) {
        int exponent = bits >> 10 & 31;
        double size = exponent == 31
                ? Double.NaN
                : exponent == 0 ? Math.scalb(bits & 1023, -24) : Math.scalb(1024 + (bits & 1023), exponent - 25);
        return bits < 0 ? -size : size;
    }

    /** The next that is no smaller, so that what the scale brings into fp8's range is in it: fp8 itself is as fine everywhere in it. */
    private static float powerOf2(double scale, StoredTensors.Stored tensor) {
        if (!(scale > 0) || scale > Float.MAX_VALUE / 2 || scale < Float.MIN_NORMAL) {
            throw new ModelException(named(tensor) + " is " + scale + ", and must be a positive number: " + OTHERWISE);
        }
        int exponent = Math.getExponent(scale);
        return Math.scalb(1f, scale == Math.scalb(1.0, exponent) ? exponent : exponent + 1);
    }

    private static String named(StoredTensors.Stored tensor) {
        return tensor.file() + ": tensor " + Printable.cut(tensor.entry().name());
    }
}
