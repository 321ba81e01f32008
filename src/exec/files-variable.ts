/** Holds the path of the folder with the files that `keyturn exec --file` has rendered. */
export const filesVariable = 'KEYTURN_FILES';
