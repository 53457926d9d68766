import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Has programs such as LockstepRate generate the same prompts in turns: ROUNDS PROMPTS NAME COMMAND NAME COMMAND ... */
public class Compare {
    private static final int[] BATCHES = {1, 16};
    private static final int WARM_UP = 2;

    private static final class Engine {
        final String name;
        final File errors;
        final PrintStream to;
        final BufferedReader from;
        final double[][] rates = new double[BATCHES.length][];
        int equal;

        Engine(String name, String command, int rounds) throws IOException {
            this.name = name;
            this.errors = Files.createTempFile("bench", ".err").toFile();
            Process process = new ProcessBuilder(command.trim().split("\\s+"))
                    .redirectError(errors).start();
            this.to = new PrintStream(process.getOutputStream(), true);
            this.from = process.inputReader();
            Arrays.setAll(rates, batch -> new double[rounds]);
        }

        /** Tokens per second, and the texts. */
        String[] generate(List<String> prompts, int batch, int round) throws IOException {
            to.println(String.join("\t", prompts));
            String line = from.readLine();
            while (line != null && !line.matches("\\d+\t\\d+\t.*")) {
                line = from.readLine();
            }
            if (line == null) {
                throw new IOException(name + " has ended: see " + errors);
            }
            String[] answer = line.split("\t", 3);
            rates[batch][round] = Long.parseLong(answer[0]) / (Long.parseLong(answer[1]) / 1e9);
            return answer[2].split("\t");
        }
    }

    public static void main(String[] args) throws IOException {
        int rounds = Integer.parseInt(args[0]);
        List<String> prompts = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of(args[1]))) {
            String prompt = line.replaceFirst("^\\{\"prompt\": \"(.*)\"}$", "$1");
            if (prompt.matches("[\\p{ASCII}&&[^\\\\]]+")) {
                prompts.add(prompt);
            }
        }
        List<Engine> engines = new ArrayList<>();
        for (int i = 2; i < args.length; i += 2) {
            engines.add(new Engine(args[i], args[i + 1], rounds));
        }
        int rows = 0;
        for (int round = 0; round < rounds; round++) {
            for (int batch = 0; batch < BATCHES.length; batch++) {
                int from = round * 16 % (prompts.size() - 16);
                List<String> some = prompts.subList(from, from + BATCHES[batch]);
                rows += some.size();
                String[] texts = null;
                for (Engine engine : engines) {
                    String[] own = engine.generate(some, batch, round);
                    texts = texts == null ? own : texts;
                    for (int i = 0; i < own.length; i++) {
                        engine.equal += own[i].strip().equals(texts[i].strip()) ? 1 : 0;
                    }
                }
            }
        }
        System.out.println("| | batch 1, tokens/s | batch 16, tokens/s | texts equal to the first's |");
        System.out.println("|---|---|---|---|");
        for (Engine engine : engines) {
            engine.to.close();
            engine.errors.delete();
            System.out.printf(Locale.ROOT, "| %s | %s | %s | %d of %d |%n", engine.name, cell(engine, engines.get(0), 0),
                    cell(engine, engines.get(0), 1), engine.equal, rows);
        }
    }

    /** The median rate, and the median of each round's ratio to the first engine. */
    private static String cell(Engine engine, Engine first, int batch) {
        double[] rates = Arrays.copyOfRange(engine.rates[batch], WARM_UP, engine.rates[batch].length);
        double[] ratios = new double[rates.length];
        Arrays.setAll(ratios, i -> first.rates[batch][WARM_UP + i] / rates[i]);
        return engine == first
                ? String.format(Locale.ROOT, "%.0f", median(rates))
                : String.format(Locale.ROOT, "%.0f (Lockstep is %.2f times as fast)", median(rates), median(ratios));
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }
}
